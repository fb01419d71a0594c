"""One shard: a file of decoded, normalized, labelled images, whose suffix names its format.

Its columns are those of ``columns``. ``FORMATS`` has the formats' readers and writers.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core import errors, files, limits
from pipeline.shards import columns, npz, parquet
from pipeline.shards.columns import Columns, Rows, Shape

Format = Literal["parquet", "npz"]

ROW_GROUP_ROWS = 1000
ROW_GROUP_BYTES = 32 << 20
"""A row group holds as many images as fit both, which bounds the memory of writers and readers."""
SMALL_COLUMNS = 256 << 20
"""Bytes that reading a column may take in any case."""


class Reader(Protocol):
    """An open shard."""

    def __enter__(self) -> Self:
        """Return the reader."""

    def __exit__(self, *_: object) -> None:
        """Close the file."""

    def column(self, name: str, kind: pa.DataType, /) -> pa.ChunkedArray:
        """Return a column other than ``image``, of Arrow type ``kind``."""

    def group_rows(self) -> list[int]:
        """Return the number of rows of each row group."""

    def group_images(self, group: int, shape: Shape, /) -> NDArray[np.float32]:
        """Return a row group's images, float32[n, h, w, c] in [0, 1]."""


class FileFormat(NamedTuple):
    """A format's writer and reader."""

    write: Callable[[Path, Iterator[Columns], Sequence[str], Shape], None]
    """Takes the path, the row groups, the names of the classes, and the images' shape."""
    reader: Callable[[Path], Reader]


FORMATS: dict[str, FileFormat] = {
    "parquet": FileFormat(parquet.write, parquet.ParquetReader),
    "npz": FileFormat(npz.write, npz.NpzReader),
}


class Written(NamedTuple):
    """Rows and identity of a shard that was written."""

    rows: int
    identity: bytes
    """See ``identity``."""


def row_group_rows(shape: Shape) -> int:
    """Return how many images of ``shape`` a row group holds."""
    return max(1, min(ROW_GROUP_ROWS, ROW_GROUP_BYTES // (4 * shape[0] * shape[1] * shape[2])))


def write(path: Path, groups: Iterable[Rows], classes: Sequence[str], shape: Shape) -> Written:
    """Write a shard; each of ``groups`` becomes a row group, if the format has any."""
    rows = 0
    identities: list[bytes] = []

    def normalized() -> Iterator[Columns]:
        nonlocal rows
        for group in groups:
            values = columns.columns(group, classes)
            rows += len(group.ids)
            digests = list(map(bytes, values["sha256"]))
            identities.append(columns.identity(group.ids, group.labels.tolist(), digests))
            yield values

    FORMATS[path.suffix[1:]].write(path, normalized(), classes, shape)
    return Written(rows, b"".join(identities))


def column(path: Path, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """Return a column other than ``image``, of Arrow type ``kind``; raises as ``images``."""
    with limits.memory(path, _allowed(path)), _open(path) as reader:
        return reader.column(name, kind)


def identity(path: Path) -> bytes:
    """Return every row's id, label and pixels' SHA-256, over which the data's identity is taken.

    Raises as ``images``.
    """
    with _open(path) as reader:
        ids, labels, digests = (
            reader.column(name, kind).to_pylist()
            for name, kind in (
                ("id", pa.string()),
                ("label", pa.int32()),
                ("sha256", pa.binary(32)),
            )
        )
        return columns.identity(ids, labels, digests)


def group_rows(path: Path) -> list[int]:
    """Return the number of images in each row group; raises as ``images``."""
    with _open(path) as reader:
        return reader.group_rows()


def group_images(path: Path, shape: Shape, group: int) -> NDArray[np.float32]:
    """Return a row group's images, float32[n, h, w, c] in [0, 1]; raises as ``images``."""
    with _open(path) as reader:
        return _images(reader, group, shape)


def images(path: Path, shape: Shape) -> Iterator[NDArray[np.float32]]:
    """Yield the images of each row group, float32[n, h, w, c] in [0, 1].

    Raises
    ------
    DataError
        If the shard is missing or damaged.
    """
    for group in range(len(group_rows(path))):
        yield group_images(path, shape, group)


def take(path: Path, shape: Shape, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the images of ``rows``, in that order, float32[n, h, w, c] in [0, 1].

    Only the row groups in which they stand are read. Raises as ``images``.
    """
    taken = np.empty((len(rows), *shape), np.float32)
    with _open(path) as reader:
        start = 0
        for group, n in enumerate(reader.group_rows()):
            here = (rows >= start) & (rows < start + n)
            if here.any():
                taken[here] = _images(reader, group, shape)[rows[here] - start]
            start += n
        if len(rows) and rows.max() >= start:
            raise ValueError(f"it holds {start:,} images, and its index says more")
    return taken


@contextmanager
def _open(path: Path) -> Iterator[Reader]:
    """Open a shard for reading, and raise what goes wrong as one line.

    Raises
    ------
    DataError
        If it is missing or is not what ``write`` writes.
    """
    files.existing(path, "decode")
    with (
        errors.one_line(path, "remove it and run dvc repro"),
        FORMATS[path.suffix[1:]].reader(path) as reader,
    ):
        yield reader


def _images(reader: Reader, group: int, shape: Shape) -> NDArray[np.float32]:
    images = reader.group_images(group, shape)
    expected = (reader.group_rows()[group], *shape)
    if images.dtype != np.float32 or images.shape != expected:
        raise ValueError(
            f"its images are {images.dtype} of shape {images.shape}, not float32 of {expected}"
        )
    return images


def _allowed(path: Path) -> int:
    """Return the bytes that columns other than images may take: more for a large file."""
    return max(SMALL_COLUMNS, 8 * path.stat().st_size) if path.exists() else SMALL_COLUMNS
