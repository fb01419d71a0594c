"""HDF5 files of strangers: their groups, arrays and texts.

HDF5 can refer to other files, hold one object in several places, and claim arrays that it lacks.
Here a file is a plain tree, and all values lie in it. So HDF5's library is asked only where, by a
process of its own, since a damaged file can make it crash, or run without an end.
"""

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import IO, Any, NamedTuple

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5t

from pipeline.core import limits
from pipeline.core.errors import PipelineError, one_line, shown

SECONDS = 10
"""Of the processor, for the process that reads a file; six times as many in all."""
MOST_OBJECTS = 200_000
"""Groups and arrays in a file. The largest network of Keras's applications has some 10,000."""
DEEPEST = 32
"""Groups within each other. A layer within a model within a model takes about ten."""
MOST_TEXTS = 100_000
"""Texts in an attribute."""
LONGEST_TEXT = 1000
"""Characters of a text, which is a name."""
LARGEST_TEXTS = 16 << 20
"""Bytes of an attribute."""
LARGEST_ANSWER = 64 << 20
"""Characters in which a file's tree is told."""
PLAIN = "h5repack -f NONE -l CONTI OLD NEW"  # of HDF5's own tools


class UnreadableError(PipelineError):
    """What is wrong with a file, as the end of a sentence that begins with its name."""

    def __init__(self, fault: str, remedy: str | None = None) -> None:
        super().__init__(fault)
        self.remedy = remedy


class Stored(NamedTuple):
    """An array in a file: its shape, its type in NumPy's words, and where its values begin."""

    shape: tuple[int, ...]
    dtype: str
    start: int


@dataclass(frozen=True)
class Tree:
    """What stands where in a file."""

    arrays: Mapping[str, Stored]
    """By their place, such as ``layers/dense/vars/0``."""
    names: Mapping[str, str]
    """Names of the layers whose variables are in a group ``vars``, by the place around that; empty
    where it has none."""
    published: Mapping[str, tuple[str, ...]] | None
    """Places of the arrays of each layer, in a file that lists its layers' names; else None."""
    prefix: str
    """What stands before those places."""


_LAST: dict[tuple[int, ...], Tree] = {}
"""What was read last, by what the system knows of the file."""

named_faults = partial(one_line, "", kind=UnreadableError, fault="is damaged")
"""Turns whatever a library raises about a file's content into ``UnreadableError``."""


def read(file: IO[bytes]) -> Tree:
    """Return what stands where in a file, which has a descriptor; a process of its own reads it.

    That process takes a good part of a second; the file that was read last, unchanged, needs none.

    Raises
    ------
    UnreadableError
        If it is no plain tree of numbers, or HDF5 cannot read it.
    """
    status = os.fstat(file.fileno())
    key = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    if key not in _LAST:
        found = _read(file)
        _LAST.clear()
        _LAST[key] = found
    return _LAST[key]


def _read(file: IO[bytes]) -> Tree:
    file.seek(0)
    try:
        answer = json.loads(limits.child(__name__, stdin=file, seconds=SECONDS))
    except (limits.ChildError, ValueError):
        raise UnreadableError("is damaged (HDF5 fails on it)") from None
    if "fault" in answer:
        raise UnreadableError(answer["fault"], answer["remedy"])
    for place, (shape, dtype, start) in answer["arrays"].items():
        answer["arrays"][place] = Stored(tuple(shape), dtype, start)
    return Tree(**answer)


def tree(file: IO[bytes]) -> Tree:
    """Return what stands where in a file that is trusted not to make HDF5 crash.

    Raises
    ------
    UnreadableError
        If the file holds a link, an object in two places, or an array that is not plain numbers
        within this file.
    """
    with named_faults(), h5py.File(file, "r") as opened:
        arrays, groups = {}, []
        size = opened.id.get_filesize()
        for place, found in _objects(opened):
            if isinstance(found, h5d.DatasetID):
                arrays[place] = _array(place, found, size)
            elif f"/{place}".endswith("/vars"):
                groups.append(place)
        told = {place: texts(opened[place], "name") or ("",) for place in groups}
        names = {place.removesuffix("vars").rstrip("/"): text[0] for place, text in told.items()}
        group, prefix = opened, ""
        if "layer_names" not in opened.attrs and "model_weights" in opened:
            group, prefix = opened["model_weights"], "model_weights/"
        layers = _chunked(group, "layer_names")
        published = None
        if layers is not None:
            if len(set(layers)) < len(layers):
                raise UnreadableError("has a layer twice")
            published = {layer: _chunked(group[layer], "weight_names") or () for layer in layers}
        return Tree(arrays, names, published, prefix)


def texts(group: h5py.Group, name: str) -> tuple[str, ...] | None:
    """Return the texts in an attribute; None if there is no such attribute.

    Raises
    ------
    UnreadableError
        If it holds something else, or more than names take.
    """
    with named_faults():
        key = name.encode()
        if not h5a.exists(group.id, key):
            return None
        attribute = h5a.open(group.id, key)
        number = math.prod(attribute.shape)
        if number == 0:  # which Keras writes as numbers
            return ()
        if number > MOST_TEXTS or attribute.get_storage_size() > LARGEST_TEXTS:
            raise UnreadableError(f"has an attribute {name} that is too large for names")
        if h5py.check_string_dtype(attribute.dtype) is None:
            raise UnreadableError(f"has an attribute {name} that is not text")
        values = np.asarray(group.attrs[name], object).ravel().tolist()
        return tuple(_text(value, name) for value in values)


def _objects(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield every group and array of the tree, depth first."""
    root = h5g.open(file.id, b"/")
    seen = {_address(root)}
    waiting: list[tuple[str, int, Any]] = [("", 0, root)]
    while waiting:
        place, depth, found = waiting.pop()
        yield place, found
        if isinstance(found, h5d.DatasetID):
            continue
        if depth > DEEPEST:
            raise UnreadableError(f"has groups {depth} deep")
        if len(seen) + found.get_num_objs() > MOST_OBJECTS:
            raise UnreadableError(f"has more than {MOST_OBJECTS:,} groups and arrays")
        for name in sorted(h5py.Group(found), reverse=True):
            within = f"{place}/{name}" if place else name
            if len(name) > LONGEST_TEXT:
                raise UnreadableError(f"has a name of {len(name):,} characters")
            child = _child(found, name, within)
            if (address := _address(child)) in seen:
                raise UnreadableError(f"has {shown(within)} in two places")
            seen.add(address)
            waiting.append((within, depth + 1, child))


def _child(group: h5g.GroupID, name: str, place: str) -> Any:
    """Open what stands in a group itself, and nothing to which a link leads."""
    key = name.encode(errors="surrogateescape")
    if group.links.get_info(key).type != h5l.TYPE_HARD:
        raise UnreadableError(f"has a link, {shown(place)}, to another place or file")
    child = h5o.open(group, key)
    if not isinstance(child, h5g.GroupID | h5d.DatasetID):
        raise UnreadableError(f"has {shown(place)}, which is neither a group nor an array")
    return child


def _address(found: Any) -> tuple[int, int]:
    info = h5o.get_info(found)
    return info.fileno, info.addr


def _array(place: str, found: h5d.DatasetID, size: int) -> Stored:
    """Return an array after it is certain that its values are numbers, and all in this file."""
    made = found.get_create_plist()
    if made.get_external_count() or made.get_layout() == h5d.VIRTUAL:
        raise UnreadableError(f"has an array, {shown(place)}, whose values are elsewhere")
    if made.get_layout() != h5d.CONTIGUOUS or made.get_nfilters():
        fault = f"has an array, {shown(place)}, in pieces or compressed, unlike what Keras writes"
        raise UnreadableError(fault, f"rewrite it ({PLAIN})")
    dataset = h5py.Dataset(found)
    if dataset.shape is None:
        raise UnreadableError(f"has an array, {shown(place)}, without values")
    dtype = _dtype(place, dataset)
    number = math.prod(dataset.shape)
    claimed, start = number * dataset.dtype.itemsize, found.get_offset()
    if claimed and (start is None or claimed != found.get_storage_size() or start + claimed > size):
        raise UnreadableError(f"has an array, {shown(place)}, of {number:,} values that it lacks")
    return Stored(dataset.shape, dtype, start or 0)


def _dtype(place: str, dataset: h5py.Dataset) -> str:
    """Return the type of an array's values, integers or floats of at most eight bytes."""
    dtype: np.dtype[Any] = np.dtype(dataset.dtype)
    if dtype == np.dtype("V2") and texts(dataset, "dtype") == ("bfloat16",):
        return "bfloat16"
    plain = dtype.kind in "fiu" and dtype.itemsize <= 8
    if not plain or not dataset.id.get_type().equal(h5t.py_create(dtype)):
        raise UnreadableError(f"has an array, {shown(place)}, of type {dtype.name}, not numbers")
    return dtype.str


def _chunked(group: h5py.Group, name: str) -> tuple[str, ...] | None:
    """Return the texts in an attribute, which Keras divides among several if it is long."""
    whole = texts(group, name)
    if whole is not None:
        return whole
    parts: list[str] = []
    number = 0
    while (part := texts(group, f"{name}{number}")) is not None:
        parts += part
        number += 1
        if len(parts) > MOST_TEXTS:
            raise UnreadableError(f"has more than {MOST_TEXTS:,} texts in {name}")
    return tuple(parts) if number else None


def _text(value: Any, name: str) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    if len(text) > LONGEST_TEXT:
        raise UnreadableError(f"has a name in {name} of {len(text):,} characters")
    return text


def _answer() -> None:
    """Print what stands where in the file on standard input, or why it cannot be read, as JSON."""
    try:
        with open(0, "rb", closefd=False) as file:
            text = json.dumps(asdict(tree(file)))
        if len(text) > LARGEST_ANSWER:
            raise UnreadableError("has too many layers")
    except UnreadableError as error:
        text = json.dumps({"fault": str(error), "remedy": error.remedy})
    sys.stdout.write(text)


if __name__ == "__main__":
    _answer()
