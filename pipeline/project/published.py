"""State of a dataset's published files: their images with ids and classes, as stages read them.

Classes that ``decode.classes`` does not declare are found too.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.archives import several
from pipeline.core import console
from pipeline.core.errors import DataError, PipelineError, first_few
from pipeline.core.params import Params
from pipeline.decode.decoders import DECODERS
from pipeline.decode.idx import labels_of, transposed
from pipeline.decode.params import ArchiveDecode, IdxDecode
from pipeline.extract import parts
from pipeline.extract.archive import ArchiveExtract
from pipeline.extract.extractors import EXTRACTORS
from pipeline.extract.kind import kind_of
from pipeline.images import decode, formats, idx
from pipeline.labels import folders, join, one_hot, table
from pipeline.project.changes import Image, State
from pipeline.split import published

ROWS = 256
"""Images read at a time."""


@dataclass(frozen=True)
class Published:
    """The images of published files, extracted to a folder."""

    state: State
    folder: Path
    params: ArchiveDecode | IdxDecode
    names: dict[str, str]
    """Of an image's member in the parts, by id; empty for IDX files."""
    others: Counter[str] = field(default_factory=Counter)
    """Numbers of an archive's files that ``extract.members`` passes over, by suffix."""

    def decoded(self, ids: Sequence[str]) -> Iterator[tuple[str, NDArray[np.float32] | str]]:
        """Yield ids with images, float32[h, w, c] in [0, 1], or why one cannot be used."""
        if isinstance(self.params, IdxDecode):
            for id_ in ids:
                subset, _, row = id_.partition("-")
                place = int(row)
                pixels = idx.memmap(self.folder / f"{subset}-images.idx")[place : place + 1]
                if self.params.transpose:
                    pixels = transposed(pixels)
                pixels = pixels[0]
                yield (
                    id_,
                    pixels.reshape(*pixels.shape[:2], -1).astype(np.float32) / np.float32(255),
                )
            return
        wanted = {self.names[id_]: id_ for id_ in ids}
        for part in parts.paths(self.folder) if wanted else []:
            for names, contents in parts.read(part, ROWS):
                for name, content in zip(names, contents, strict=True):
                    if name in wanted:
                        yield wanted[name], _decoded(content, self.params)


def read(raw: Path, params: Params, dataset: str, folder: Path) -> Published:
    """Extract the published files in ``raw`` to ``folder``, and read their images.

    Raises
    ------
    DataError
        If the files are not what the parameters say, or an image has no class.
    """
    kind = kind_of(params, dataset)
    extractor = EXTRACTORS[kind]
    section = params.section(extractor.params, "datasets", dataset, "extract")
    decoding = params.section(DECODERS[kind].params, "datasets", dataset, "decode")
    try:
        extractor.extract(raw, section, folder)
        if isinstance(decoding, IdxDecode):
            return Published(_idx_state(folder, decoding), folder, decoding, {})
        assert isinstance(decoding, ArchiveDecode)
        found = _archive(folder, decoding)
        if isinstance(section, ArchiveExtract):
            return replace(found, others=_others(raw, section, found.names.values()))
        return found
    except PipelineError as error:  # names what the user has, not where it was put to be compared
        text = str(error).replace(f"{raw}/", "").replace(f"{folder}/", "")
        raise type(error)(text) from None


def _archive(folder: Path, params: ArchiveDecode) -> Published:
    names = [name for part in parts.paths(folder) for name in parts.names(part).to_pylist()]
    path, match = folder / "labels.csv", params.labels.match
    classes = _by_table(path, params, names) if path.exists() else _by_folder(names, params)
    if not path.exists() or params.labels.ids == "path":
        match = "path"
    by_name = dict(zip(names, classes, strict=True))
    state, own_names = {}, {}
    with console.bar("compare", len(names), "images") as bar:
        for part in parts.paths(folder):
            for some, contents in parts.read(part, ROWS):
                for name, content in zip(some, contents, strict=True):
                    id_ = join.member_id(name, match)
                    own_names[id_] = name
                    state[id_] = Image(by_name[name], hashlib.sha256(content).digest())
                bar.update(len(some))
    return Published(state, folder, params, own_names)


def _others(raw: Path, params: ArchiveExtract, taken: Iterable[str]) -> Counter[str]:
    listed: dict[str, int] = {}
    paths = [raw / name for name in params.archives]
    for _ in several.members(paths, (), params.limits, params.names_encoding, listed):
        pass
    left = listed.keys() - set(taken)
    return Counter(PurePosixPath(name).suffix.lower() or "no suffix" for name in left)


def _by_table(path: Path, params: ArchiveDecode, names: list[str]) -> list[str]:
    """Return the class of each image by the table of labels."""
    columns = params.labels
    if columns.one_hot:
        classes, labels = params.classes, one_hot.read(path, columns, params.classes)
    else:
        values = table.columns(path).get(columns.label, pa.array([], pa.string()))
        found = dict.fromkeys(filter(None, values.to_pylist()))
        classes = tuple(dict.fromkeys([*params.classes, *found]))
        labels = table.read(path, columns, classes)
    rows = join.join(
        pa.array(names, pa.string()), labels, "the archive", "the table of labels", columns
    )
    return [classes[labels.labels[row]] for row in rows]


def _by_folder(names: list[str], params: ArchiveDecode) -> list[str]:
    """Return the class of each image by its folders.

    A folder without a declared class in its path is a new one, at the depth of those that are
    declared.
    """
    if params.classes_at is not None:
        find: Callable[[str], str] = folders.finder(params.classes_at)
        found = [find(name) for name in names]
    else:
        found = [folders.folder_of(name, params.classes) for name in names]
        paths = [name.replace("\\", "/").split("/")[:-1] for name in names]
        depths = Counter(
            len(path) - 1 - path[::-1].index(name)
            for path, name in zip(paths, found, strict=True)
            if name
        )
        depth = depths.most_common(1)[0][0] if depths else 0
        found = [
            name or (path[depth] if depth < len(path) else "")
            for path, name in zip(paths, found, strict=True)
        ]
    lost = [
        name
        for name, class_ in zip(names, found, strict=True)
        if not class_ or (class_ not in params.classes and published.subset(class_))
    ]
    if lost:
        raise DataError(
            f"{len(lost):,} images are in no folder of a class: {first_few(lost)}; put them into "
            "one, take them out, or leave them out by extract.members in params.yaml"
        )
    return found


def _idx_state(folder: Path, params: IdxDecode) -> State:
    values = params.label_values or range(len(params.classes))
    known = dict(zip(values, params.classes, strict=True))
    state = {}
    for path in sorted(folder.glob("*-images.idx"), reverse=True):  # the training images first
        subset = path.name.partition("-")[0]
        pixels, there = idx.memmap(path), folder / f"{subset}-labels.idx"
        numbers, _ = labels_of(idx.memmap(there), params, there)
        for row, number in enumerate(map(int, numbers)):
            digest = hashlib.sha256(np.ascontiguousarray(pixels[row]).data).digest()
            state[f"{subset}-{row}"] = Image(known.get(number, str(number)), digest)
    return state


def _decoded(content: bytes, params: ArchiveDecode) -> NDArray[np.float32] | str:
    try:
        pixels: Any = decode.decode(
            content, params.shape, params.bits, params.resize, params.max_pixels, params.convert
        )
    except formats.ImageError as fault:
        return str(fault)
    image: NDArray[np.float32] = pixels.astype(np.float32) / np.float32(2**params.bits - 1)
    return image
