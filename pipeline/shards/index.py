"""A dataset's shards: ``index.json``, which describes them, and functions that read all files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    FailFast,
    Field,
    NonNegativeInt,
    StringConstraints,
    model_validator,
)

from pipeline.core import errors, files
from pipeline.core.errors import DataError
from pipeline.core.params import ClassName, FileName, Section
from pipeline.shards import invariants, shard
from pipeline.shards.columns import Shape, schema

INDEX = "index.json"
VERSION = 1
MAX_SIDE = 1 << 16
"""Pixels of an image's height or width."""
MAX_CLASSES = 100_000
MAX_ROWS = 2**31 - 1
"""Of all shards, for positions are int32."""
REMEDY = "decode again (dvc repro)"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""In hexadecimal."""


def _grey_or_rgb(shape: Shape) -> Shape:
    if min(shape) < 1 or max(shape) > MAX_SIDE or shape[2] not in (1, 3):
        raise ValueError(
            f"must be height and width, up to {MAX_SIDE:,} pixels, and channels, which are 1 "
            "(grey) or 3 (RGB)"
        )
    return shape


def _known(version: int) -> int:
    if version != VERSION:
        raise ValueError(f"version {version} is not {VERSION}")
    return version


def _unique(classes: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(classes)) < len(classes):
        raise ValueError("has a class twice")
    return classes


ImageShape = Annotated[Shape, AfterValidator(_grey_or_rgb)]
"""Height, width, channels: 1 (grey) or 3 (RGB)."""
Classes = Annotated[
    tuple[ClassName, ...], Field(min_length=1, max_length=MAX_CLASSES), AfterValidator(_unique)
]
"""Names of classes, in the order of their labels."""


class ShardFile(Section):
    """An entry of the index: one shard."""

    name: FileName
    rows: Annotated[int, Field(ge=0, le=MAX_ROWS)]
    bytes: NonNegativeInt
    sha256: Sha256


PICTURE = "data:image/jpeg;base64,"
Picture = Annotated[str, Field(pattern=f"^{PICTURE}[A-Za-z0-9+/]+=*$", max_length=20_000)]


class Quarantined(Section):
    """An image that was left out, with the reason."""

    id: str
    name: str
    reason: str
    class_name: str = ""
    """Name of its class."""
    picture: Picture | None = None
    """A small picture of it, as a ``data:`` address, of the first ones that can be decoded."""


class Index(Section):
    """The content of ``index.json``."""

    version: Annotated[int, AfterValidator(_known)] = VERSION
    format: shard.Format
    shape: ImageShape
    classes: Classes
    divisor: Literal[255, 65535]
    """The source type's maximum: 255 or 65,535."""
    resize: str | None = None
    """How images of other sizes were resized; None if all had the shape."""
    convert: dict[str, str] | None = None
    """The policy for images that are not plain; None if such images were refused."""
    converted: dict[str, NonNegativeInt] | None = None
    """With a policy, the number of images that each of its words converted."""
    rows: Annotated[int, Field(ge=0, le=MAX_ROWS)]
    files: Annotated[tuple[ShardFile, ...], FailFast()]
    quarantined: Annotated[tuple[Quarantined, ...], FailFast()]
    content_sha256: Sha256
    """The data's identity: SHA-256, in hexadecimal, over every row's id, label and pixels' digest,
    in order. Neither the format nor the division of the rows into files changes it."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):
            raise ValueError("files has a name twice")
        if other := [name for name in names if not name.endswith(f".{self.format}")]:
            raise ValueError(f"files has {other[0]}, but format is {self.format}")
        if (total := sum(file.rows for file in self.files)) != self.rows:
            raise ValueError(f"rows is {self.rows:,}, but those of its files are {total:,}")
        if unknown := (self.converted or {}).keys() - (self.convert or {}).keys():
            raise ValueError(f"converted has {min(unknown)}, which convert has not")
        return self

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
        index = files.read_record(folder / INDEX, cls, REMEDY)
        if "version" not in index.model_fields_set:
            raise DataError(f"{folder / INDEX}: it has no version; {REMEDY}")
        return index

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
            taken = file_column(folder, index, file, name).take(pa.array(inside))
            values = taken.combine_chunks().flatten().to_numpy().reshape(len(inside), channels)
            for channel in range(channels):  # in Python's integers, which do not overflow
                totals[channel] += sum(values[:, channel].tolist())
    if any(n * square < total**2 for total, square in zip(sums, squares, strict=True)):
        raise DataError(
            f"{folder}: columns pixel_sum and pixel_squares contradict each other; {REMEDY}"
        )
    return Statistics(
        tuple(total / (n * index.divisor) for total in sums),
        tuple(
            (n * square - total**2) ** 0.5 / (n * index.divisor)
            for total, square in zip(sums, squares, strict=True)
        ),
    )


def column(folder: Path, index: Index, name: str) -> pa.ChunkedArray:
    """Return a column other than ``image`` of all rows, in order.

    Raises
    ------
    DataError
        If a shard is missing or damaged, its values are impossible, or an id stands there twice.
    """
    kind = _schema(index).field(name).type
    chunks = [
        chunk for file in index.files for chunk in file_column(folder, index, file, name).chunks
    ]
    whole = pa.chunked_array(chunks, kind)
    if name == "id" and (twice := invariants.repeated(whole)):
        raise DataError(f"{folder}: {twice}; {REMEDY}")
    return whole


def file_column(folder: Path, index: Index, file: ShardFile, name: str) -> pa.ChunkedArray:
    """Return a column other than ``image`` of one shard; raises as ``column``."""
    kind = _schema(index).field(name).type
    values = shard.column(folder / file.name, name, kind)
    described = invariants.Described(index.classes, index.shape, index.divisor)
    with errors.one_line(folder / file.name, "remove it and run dvc repro"):
        fault = invariants.fault(values, name, kind, file.rows, described)
    if fault:
        raise DataError(f"{folder / file.name}: {fault}; {REMEDY}")
    return values


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

    Raises
    ------
    ValueError
        If a value is not in [0, 1].

    Examples
    --------
    >>> integers(np.float32([0, 1 / 255, 1]), 255)
    array([  0,   1, 255], dtype=uint8)
    """
    kind: type[np.uint8] | type[np.uint16] = np.uint8 if divisor == 255 else np.uint16
    values = images * np.float32(divisor)
    np.rint(values, out=values)
    if values.size and not (values.min() >= 0 and values.max() <= divisor):  # NaN is neither
        raise ValueError("it has images whose values are not in [0, 1]")
    return values.astype(kind)


def _schema(index: Index) -> pa.Schema:
    return schema(len(index.classes), index.shape)
