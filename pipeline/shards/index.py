"""A dataset's shards: ``index.json``, which describes them, and functions that read all files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import AfterValidator, ValidationError

from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.core.params import FileName, Section
from pipeline.shards import shard
from pipeline.shards.columns import Shape, schema

INDEX = "index.json"
VERSION = 1
MAX_SIDE = 1 << 16
"""Pixels of an image's height or width."""


def _grey_or_rgb(shape: Shape) -> Shape:
    if min(shape) < 1 or max(shape) > MAX_SIDE or shape[2] not in (1, 3):
        raise ValueError(
            f"must be height and width, up to {MAX_SIDE:,} pixels, and channels, which are 1 "
            "(grey) or 3 (RGB)"
        )
    return shape


ImageShape = Annotated[Shape, AfterValidator(_grey_or_rgb)]
"""Height, width, channels: 1 (grey) or 3 (RGB)."""


class ShardFile(Section):
    """An entry of the index: one shard."""

    name: FileName
    rows: int
    bytes: int
    sha256: str


class Quarantined(Section):
    """An image that was left out, with the reason."""

    id: str
    name: str
    reason: str
    class_name: str = ""
    """Name of its class."""


class Index(Section):
    """The content of ``index.json``."""

    version: Literal[1] = 1
    format: shard.Format
    shape: ImageShape
    classes: tuple[str, ...]
    divisor: int
    """The source type's maximum: 255 or 65,535."""
    resize: str | None = None
    """How images of other sizes were resized; None if all had the shape."""
    convert: dict[str, str] | None = None
    """The policy for images that are not plain; None if such images were refused."""
    converted: dict[str, int] | None = None
    """With a policy, the number of images that each of its words converted."""
    rows: int
    files: tuple[ShardFile, ...]
    quarantined: tuple[Quarantined, ...]
    content_sha256: str
    """The data's identity: SHA-256, in hexadecimal, over every row's id, label and pixels' digest,
    in order. Neither the format nor the division of the rows into files changes it."""

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The source's type, uint8 or uint16."""
        return np.dtype(np.uint8 if self.divisor == 255 else np.uint16)

    @classmethod
    def read(cls, folder: Path) -> "Index":
        """Read the index of the shards in ``folder``.

        Raises
        ------
        DataError
            If it is missing, damaged or of another version.
        """
        path = folder / INDEX
        value = files.read_json(path)
        version = value.get("version") if isinstance(value, dict) else None
        if version != VERSION:
            raise DataError(f"{path}: version {version} is not {VERSION}; decode again (dvc repro)")
        try:
            return cls.model_validate(value, strict=False)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            raise DataError(f"{path}: {place}: {fault['msg']}; decode again (dvc repro)") from None

    def write(self, folder: Path) -> None:
        """Write ``index.json`` into ``folder``."""
        files.write_json(folder / INDEX, self.model_dump(mode="json", exclude_none=True))


class Statistics(NamedTuple):
    """Mean and standard deviation of normalized images, a value for each channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Of the population: divided by n, not by n - 1."""


def statistics(folder: Path, index: Index, rows: NDArray[np.int64]) -> Statistics:
    """Compute exact statistics of the images of some rows, from columns other than ``image``."""
    height, width, channels = index.shape
    n = len(rows) * height * width
    sums, squares = [0] * channels, [0] * channels
    for start, file in file_starts(index):
        inside = rows[(rows >= start) & (rows < start + file.rows)] - start
        for name, totals in (("pixel_sum", sums), ("pixel_squares", squares)):
            kind = _schema(index).field(name).type
            taken = shard.column(folder / file.name, name, kind).take(pa.array(inside))
            values = taken.combine_chunks().flatten().to_numpy().reshape(len(inside), channels)
            for channel in range(channels):  # in Python's integers, which do not overflow
                totals[channel] += sum(values[:, channel].tolist())
    return Statistics(
        tuple(total / (n * index.divisor) for total in sums),
        tuple(
            (n * square - total**2) ** 0.5 / (n * index.divisor)
            for total, square in zip(sums, squares, strict=True)
        ),
    )


def column(folder: Path, index: Index, name: str) -> pa.ChunkedArray:
    """Return a column other than ``image`` of all rows, in order."""
    kind = _schema(index).field(name).type
    chunks = [
        chunk
        for file in index.files
        for chunk in shard.column(folder / file.name, name, kind).chunks
    ]
    return pa.chunked_array(chunks, kind)


def file_starts(index: Index) -> Iterator[tuple[int, ShardFile]]:
    """Yield the row at which each file begins, and the file."""
    start = 0
    for file in index.files:
        yield start, file
        start += file.rows


def take(
    folder: Path, index: Index, rows: Sequence[int] | NDArray[np.integer[Any]]
) -> NDArray[np.float32]:
    """Return the images of ``rows``, in that order, float32[n, h, w, c] in [0, 1].

    Raises
    ------
    DataError
        If a shard is missing or damaged.
    """
    wanted = np.asarray(rows, np.int64)
    images = np.empty((len(wanted), *index.shape), np.float32)
    for start, file in file_starts(index):
        here = (wanted >= start) & (wanted < start + file.rows)
        if here.any():
            images[here] = shard.take(folder / file.name, index.shape, wanted[here] - start)
    return images


def integers(images: NDArray[np.float32], divisor: int) -> NDArray[Any]:
    """Return normalized images as exactly the integers that they came from, uint8 or uint16.

    Examples
    --------
    >>> integers(np.float32([0, 1 / 255, 1]), 255)
    array([  0,   1, 255], dtype=uint8)
    """
    kind: type[np.uint8] | type[np.uint16] = np.uint8 if divisor == 255 else np.uint16
    rounded: NDArray[Any] = np.rint(images * np.float32(divisor)).astype(kind)
    return rounded


def _schema(index: Index) -> pa.Schema:
    return schema(len(index.classes), index.shape)
