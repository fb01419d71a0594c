"""HDF5 files of strangers: their groups, arrays and texts.

HDF5 can refer to other files, hold one object in several places, and claim arrays larger than
itself. Here a file is a plain tree, and every array lies in it as many bytes as it has values.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o
from numpy.typing import NDArray

from pipeline.core.errors import REMEDIES

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
PLAIN = "h5repack -f NONE -l CONTI OLD NEW"
"""The command of HDF5's own tools that rewrites a file in the form in which Keras writes it."""


class UnreadableError(Exception):
    """What is wrong with a file, as the end of a sentence that begins with its name."""

    def __init__(self, fault: str, remedy: str | None = None) -> None:
        super().__init__(fault)
        self.remedy = remedy


@dataclass(frozen=True)
class Array:
    """An array in a file, which is read when it is asked for."""

    dataset: h5py.Dataset
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Return the number of its values."""
        return math.prod(self.shape)

    def read(self) -> NDArray[Any]:
        """Return its values, of its shape and dtype.

        Raises
        ------
        UnreadableError
            If the file is damaged there, or a value is not finite.
        """
        with named_faults():
            stored = self.dataset[()]
        values = np.asarray(stored).view(self.dtype) if self.dtype != stored.dtype else stored
        values = np.asarray(values)
        if not np.isfinite(values).all():
            name = shown(str(self.dataset.name))
            raise UnreadableError(f"has values in {name} that are not finite (NaN or infinity)")
        return values


@contextmanager
def named_faults() -> Iterator[None]:
    """Turn whatever a library raises about a file's content into UnreadableError."""
    try:
        yield
    except OSError as error:
        if error.filename or error.errno in REMEDIES:  # the machine's, not the file's
            raise
        raise UnreadableError(f"is damaged ({_reason(error)})") from None
    except (
        *(ArithmeticError, AttributeError, LookupError, NotImplementedError, RecursionError),
        *(RuntimeError, TypeError, ValueError),
    ) as error:
        raise UnreadableError(f"is damaged ({_reason(error)})") from None


@contextmanager
def opened(file: IO[bytes]) -> Iterator[h5py.File]:
    """Open HDF5 content for reading, with the library's faults as UnreadableError."""
    with named_faults():
        opened = h5py.File(file, "r")
    try:
        yield opened
    finally:
        opened.close()


def arrays(file: h5py.File) -> dict[str, Array]:
    """Return all arrays of a file by their place, such as ``layers/dense/vars/0``.

    None is read yet. Groups come before what they hold, and names in the order of their numbers:
    ``conv2d_2`` before ``conv2d_10``.

    Raises
    ------
    UnreadableError
        If the file holds a link, an object in two places, or an array that is not plain numbers
        within this file.
    """
    found: dict[str, Array] = {}
    with named_faults():
        size = file.id.get_filesize()
        for place, dataset in _datasets(file):
            found[place] = _array(place, dataset, size)
    return found


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


def shown(text: str, longest: int = 60) -> str:
    """Return a text of a file for a message: printable, and shortened.

    Examples
    --------
    >>> shown("layers" + chr(10) + "dense")
    'layers?dense'
    """
    clean = "".join(c if c.isprintable() else "?" for c in text[: longest + 1])
    return clean if len(clean) <= longest else f"{clean[: longest - 3]}..."


def natural(name: str) -> tuple[str, int]:
    """Return a key that sorts ``conv2d_2`` before ``conv2d_10``, and ``conv2d`` before both."""
    stem, _, digits = name.rpartition("_")
    if digits.isascii() and digits.isdigit() and len(digits) < 10:
        return stem, int(digits)
    return name, -1


def _datasets(file: h5py.File) -> Iterator[tuple[str, h5d.DatasetID]]:
    """Yield every array of the tree below the root, depth first."""
    root = h5g.open(file.id, b"/")
    seen = {_address(root)}
    waiting: list[tuple[str, int, Any]] = [("", 0, root)]
    while waiting:
        place, depth, found = waiting.pop()
        if isinstance(found, h5d.DatasetID):
            yield place, found
            continue
        if depth > DEEPEST:
            raise UnreadableError(f"has groups {depth} deep")
        if len(seen) + found.get_num_objs() > MOST_OBJECTS:
            raise UnreadableError(f"has more than {MOST_OBJECTS:,} groups and arrays")
        names = sorted(h5py.Group(found), key=natural)
        for name in reversed(names):
            within = f"{place}/{name}" if place else name
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


def _array(place: str, found: h5d.DatasetID, size: int) -> Array:
    """Return an array after it is certain that its values are numbers, and all in this file."""
    made = found.get_create_plist()
    if made.get_external_count():
        raise UnreadableError(f"has an array, {shown(place)}, whose values are in another file")
    layout = made.get_layout()
    if layout == h5d.VIRTUAL:
        raise UnreadableError(f"has an array, {shown(place)}, that is made of others")
    if layout not in (h5d.CONTIGUOUS, h5d.COMPACT) or made.get_nfilters():
        fault = f"has an array, {shown(place)}, in pieces or compressed, unlike what Keras writes"
        raise UnreadableError(fault, f"rewrite it ({PLAIN})")
    dataset = h5py.Dataset(found)
    if dataset.shape is None:
        raise UnreadableError(f"has an array, {shown(place)}, without values")
    dtype = _dtype(place, dataset)
    number = math.prod(dataset.shape)
    claimed = number * dtype.itemsize
    start = found.get_offset() if layout == h5d.CONTIGUOUS else 0
    if claimed and (start is None or claimed != found.get_storage_size() or start + claimed > size):
        raise UnreadableError(
            f"has an array, {shown(place)}, that claims {number:,} values it lacks"
        )
    return Array(dataset, dataset.shape, dtype)


def _dtype(place: str, dataset: h5py.Dataset) -> np.dtype[Any]:
    """Return the type of an array's values, integers or floats of at most eight bytes."""
    dtype: np.dtype[Any] = np.dtype(dataset.dtype)
    if dtype == np.dtype("V2") and texts(dataset, "dtype") == ("bfloat16",):
        import ml_dtypes

        dtype = np.dtype(ml_dtypes.bfloat16)
    elif dtype.kind not in "fiu" or dtype.itemsize > 8 or dtype.metadata:
        raise UnreadableError(
            f"has an array, {shown(place)}, of type {shown(str(dtype))}, not numbers"
        )
    return dtype


def _text(value: Any, name: str) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    if len(text) > LONGEST_TEXT:
        raise UnreadableError(f"has a name in {name} of {len(text):,} characters")
    return text


def _reason(error: Exception) -> str:
    return shown(" ".join(str(error).split()), 160)
