"""Decoding: extracted images to normalized, labelled shards, and what may go wrong on the way.

One shard is one task: a range of rows of an IDX file, or one part of an extracted archive.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, field_validator

from pipeline.core import files
from pipeline.core.errors import DataError, first_few
from pipeline.core.params import Section
from pipeline.decode import write
from pipeline.decode.write import Layout
from pipeline.execution import checkpoints
from pipeline.extract import parts
from pipeline.images import decode, idx
from pipeline.images.resize import Fit
from pipeline.labels import folders
from pipeline.labels import table as label_table
from pipeline.labels.table import LabelColumns, Match
from pipeline.shards import index, shard
from pipeline.shards.index import Quarantined

ClassName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Decode(Section):
    """What ``datasets.<name>.decode`` has for every kind of dataset."""

    classes: Annotated[tuple[ClassName, ...], Field(min_length=2)]
    """Names of the classes, in the order of their labels."""
    format: shard.Format = "parquet"

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        repeated = [name for name in dict.fromkeys(classes) if classes.count(name) > 1]
        if repeated:
            raise ValueError(f"must be distinct, repeated: {first_few(repeated)}")
        return classes


class IdxDecode(Decode):
    """``datasets.<name>.decode`` of kind ``idx``."""

    shard_rows: Annotated[int, Field(gt=0)] = 10_000
    """Images in one shard."""


class ArchiveDecode(Decode):
    """``datasets.<name>.decode`` of the other kinds; each extracted part becomes one shard."""

    shape: index.ImageShape
    """Height, width and channels that every image must have, or is brought to."""
    resize: Fit | None = None
    """How an image of another size is brought to the shape; null: it is a bad image."""
    max_pixels: Annotated[int, Field(gt=0)] = decode.MAX_PIXELS
    """With ``resize``: an image that declares more, width times height, is a bad image."""
    bits: Literal[8, 16] = 8
    """Depth that every image must have, in bits a channel."""
    on_bad_image: Literal["fail", "quarantine"] = "fail"
    """What to do with an image that cannot be decoded or has a palette, alpha, or another size or
    depth: end with an error, or leave it out and list it in ``index.json``."""
    labels: LabelColumns = LabelColumns()
    """Of the table of labels; without a table, images are labelled by their folders."""


def decode_idx(source: Path, params: IdxDecode, folder: Path) -> str:
    """Decode the IDX files in ``source`` into shards in ``folder``.

    Rows are the training images, then the test images, if there are any, with ids
    ``train-<position>`` and ``test-<position>``.

    Returns
    -------
    str
        What was done, for the console.

    Raises
    ------
    DataError
        If images are not uint8 of shape (n, h, w) or (n, h, w, 1 or 3), labels are not integers of
        shape (n,), the numbers differ, or a label is outside the classes.
    """
    subsets = ["train"]
    if (source / "test-images.idx").exists():
        subsets.append("test")
    pairs = {subset: _idx_pair(source, subset, params.classes) for subset in subsets}
    shape = _idx_shape(source, *(pixels for pixels, _ in pairs.values()))
    tasks = [
        IdxTask(
            subset, _idx_images(source, subset), start, targets[start:][: params.shard_rows], shape
        )
        for subset, (pixels, targets) in pairs.items()
        for start in range(0, len(pixels), params.shard_rows)
    ]
    return write.assemble(tasks, folder, _layout(params, shape, divisor=255))


def decode_archive(source: Path, params: ArchiveDecode, folder: Path) -> str:
    """Decode the parts of an extracted archive in ``source`` into shards in ``folder``.

    Rows are in the archive's order. Every image is joined to its label by its id
    (``labels.match``). Where there is no table of labels, an image's class is its folder (see
    ``folders``) and its id its path.

    Returns
    -------
    str
        What was done, for the console.

    Raises
    ------
    DataError
        If the table of labels is not as declared, images and labels do not correspond, or an image
        cannot be used and the policy is ``fail``.
    """
    divisor = 2**params.bits - 1
    layout = _layout(params, params.shape, divisor)._replace(resize=params.resize)
    tasks = _archive_tasks(source, params)
    pa.default_memory_pool().release_unused()  # what the join took, which glibc keeps otherwise
    return write.assemble(tasks, folder, layout)


def _archive_tasks(source: Path, params: ArchiveDecode) -> list["ArchiveTask"]:
    """A task for each part; of the names and the table of labels nothing is kept but numbers."""
    paths = parts.paths(source)
    names = [parts.names(path) for path in paths]
    members, archive = pa.concat_arrays(names), f"the archive ({source})"
    table = source / "labels.csv"
    if table.exists():
        match = params.labels.match
        known = label_table.read(table, params.labels, params.classes)
        positions = label_table.join(members, known, archive, str(table), match)
        targets = known.labels
    else:
        match = "path"
        positions, targets = folders.labels(members, params.classes, archive)
    ends = np.cumsum([len(part) for part in names])[:-1]
    return [
        ArchiveTask(part, rows, targets[rows], params, match)
        for part, rows in zip(paths, np.split(positions, ends), strict=True)
    ]


class IdxTask(NamedTuple):
    """A shard of some images of an IDX file."""

    subset: str
    path: Path
    start: int
    """Position of the first image."""
    targets: NDArray[np.int32]
    """The images' labels."""
    shape: shard.Shape

    def key(self) -> str:
        """See ``assembly.Task``."""
        return checkpoints.key(self.subset, str(self.start), self._pixels().data, self.targets.data)

    def groups(self, _: list[Quarantined]) -> Iterator[shard.Rows]:
        """See ``assembly.Task``."""
        pixels = self._pixels().reshape(-1, *self.shape)
        step = shard.row_group_rows(self.shape)
        for first in range(0, len(self.targets), step):
            targets = self.targets[first : first + step]
            positions = np.arange(len(targets), dtype=np.int32) + np.int32(self.start + first)
            yield shard.Rows(
                ids=[f"{self.subset}-{position}" for position in positions],
                positions=positions,
                labels=targets,
                pixels=pixels[first : first + step],
            )

    def _pixels(self) -> NDArray[np.uint8]:
        return idx.memmap(self.path)[self.start : self.start + len(self.targets)]


class ArchiveTask(NamedTuple):
    """A shard of an extracted part's images."""

    part: Path
    positions: NDArray[np.int32]
    """The images' rows in the table of labels."""
    targets: NDArray[np.int32]
    """The images' labels."""
    params: ArchiveDecode
    match: Match
    """How ids are made from names."""

    def key(self) -> str:
        """See ``assembly.Task``."""
        rows = self.positions.data, self.targets.data
        return checkpoints.key(
            self.params.model_dump_json(), self.match, files.sha256(self.part), *rows
        )

    def groups(self, quarantined: list[Quarantined]) -> Iterator[shard.Rows]:
        """See ``assembly.Task``."""
        start = 0
        for names, contents in parts.read(self.part, shard.row_group_rows(self.params.shape)):
            ids, kept, pixels = [], [], []
            for row, (name, content) in enumerate(zip(names, contents, strict=True), start):
                try:
                    pixels.append(self._decode(content))
                except decode.ImageError as fault:
                    reason = _reason(self.part, name, fault, self.params)
                    member = label_table.member_id(name, self.match)
                    quarantined.append(Quarantined(id=member, name=name, reason=reason))
                else:
                    ids.append(label_table.member_id(name, self.match))
                    kept.append(row)
            start += len(names)
            if pixels:
                yield shard.Rows(ids, self.positions[kept], self.targets[kept], np.stack(pixels))

    def _decode(self, content: bytes) -> decode.Pixels:
        params = self.params
        return decode.decode(content, params.shape, params.bits, params.resize, params.max_pixels)


def _layout(params: Decode, shape: shard.Shape, divisor: int) -> Layout:
    return Layout(params.format, shape, params.classes, divisor)


def _idx_images(source: Path, subset: str) -> Path:
    return source / f"{subset}-images.idx"


def _idx_pair(
    source: Path, subset: str, classes: tuple[str, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """A subset's images (mapped, not read) and labels."""
    path = _idx_images(source, subset)
    pixels = idx.memmap(path)
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
        raise DataError(
            f"{path}: images must be uint8 of shape (n, height, width) or (n, height, width, "
            f"channels), got {pixels.dtype.name} of shape {pixels.shape}"
        )
    path = source / f"{subset}-labels.idx"
    targets = idx.memmap(path)
    if targets.dtype.kind not in "iu" or targets.ndim != 1:
        raise DataError(
            f"{path}: labels must be integers of shape (n,), got {targets.dtype.name} of shape "
            f"{targets.shape}"
        )
    if len(targets) != len(pixels):
        raise DataError(
            f"{path}: has {len(targets):,} labels, but there are {len(pixels):,} images"
        )
    wrong = np.flatnonzero((targets < 0) | (targets >= len(classes)))
    if len(wrong):
        raise DataError(
            f"{path}: {len(wrong):,} labels are outside the {len(classes)} classes, the first is "
            f"{targets[wrong[0]]} at position {wrong[0]}; declare the class under decode.classes "
            "in params.yaml"
        )
    return pixels, targets.astype(np.int32)


def _idx_shape(source: Path, train: NDArray[np.uint8], *test: NDArray[np.uint8]) -> shard.Shape:
    """Height, width and channels of all subsets' images."""
    train_shape, *test_shapes = ((*array.shape[1:], 1)[:3] for array in (train, *test))
    for test_shape in test_shapes:
        if train_shape != test_shape:
            raise DataError(
                f"{source}: training images are of shape {train_shape}, test images of {test_shape}"
            )
    height, width, channels = train_shape
    if channels not in (1, 3) or not height or not width:
        raise DataError(f"{source}: images of shape {train_shape} are neither grey nor RGB")
    return height, width, channels


def _reason(part: Path, name: str, fault: decode.ImageError, params: ArchiveDecode) -> str:
    """Why an image is left out; raises DataError if none may be."""
    if params.on_bad_image == "fail":
        raise DataError(
            f"{part.parent}: image {name!r} {fault}; mend it, or leave such images out with "
            "decode.on_bad_image: quarantine in params.yaml"
        )
    return str(fault)
