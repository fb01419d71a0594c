"""One shard: a file of decoded, normalized, labelled images, in Parquet or NPZ.

Images are RGB or grey, float32 in [0, 1], shape (height, width, channels): the source's integers
divided by their type's maximum (255 or 65,535). Its columns:

==============  ====================  =========================================================
id              string                unique
position        int32                 row in the table of labels, or in the IDX file
label           int32                 position in the list of classes
class           string                name of the class
one_hot         float32[K]            1 at the label
image           float32[h, w, c]      Arrow's canonical fixed-shape tensor
sha256          32 bytes              of the decoded integers (little-endian, C order)
pixel_min       int32                 least of the decoded integers
pixel_max       int32                 greatest of them
pixel_sum       int64[c]              their sum, for each channel
pixel_squares   int64[c]              the sum of their squares, for each channel
==============  ====================  =========================================================

The last five let ``split`` find duplicates and exact statistics of any subset without the images.
In Parquet the images are dictionary-encoded: 8-bit sources have 256 distinct values, so normalized
floats cost what bytes cost. In NPZ each column is an array of the same name.
"""

import hashlib
import struct
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.core import files
from pipeline.core.errors import DataError

Format = Literal["parquet", "npz"]
Shape = tuple[int, int, int]
"""Height, width, channels."""

ROW_GROUP_ROWS = 1000
ROW_GROUP_BYTES = 32 << 20
"""A row group holds as many images as fit both: they bound what a writer or reader holds."""
SUMMED_AT_ONCE = 64
"""Images whose sums are taken together: they bound the memory for it."""


class Rows(NamedTuple):
    """Some rows before normalization; ``pixels`` are uint8 or uint16, shape (n, h, w, c)."""

    ids: list[str]
    positions: NDArray[np.int32]
    labels: NDArray[np.int32]
    pixels: NDArray[Any]


def row_group_rows(shape: Shape) -> int:
    """How many images of ``shape`` a row group holds."""
    return max(1, min(ROW_GROUP_ROWS, ROW_GROUP_BYTES // (4 * shape[0] * shape[1] * shape[2])))


class Written(NamedTuple):
    """What a written shard holds."""

    rows: int
    identity: bytes
    """Every row's id, label and pixels' SHA-256: what the data's identity is taken over."""


def write(path: Path, groups: Iterable[Rows], classes: Sequence[str], shape: Shape) -> Written:
    """Write a shard, Parquet or NPZ by its suffix; each of ``groups`` becomes a row group."""
    identity: list[bytes] = []

    def columns() -> Iterator[dict[str, NDArray[Any]]]:
        for rows in groups:
            group = _columns(rows, classes)
            digests = map(bytes, group["sha256"])
            identity.extend(map(_identity, rows.ids, rows.labels, digests))
            yield group

    if path.suffix == ".npz":
        _write_npz(path, list(columns()), _empty(classes, shape))
    else:
        _write_parquet(path, columns(), schema(len(classes), shape))
    return Written(len(identity), b"".join(identity))


def column(path: Path, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """A column other than ``image``, as Arrow type ``kind``."""
    with _reading(path):
        if path.suffix == ".npz":
            with _npz(path) as arrays:
                return pa.chunked_array([_to_arrow(arrays[name], kind)])
        return pq.read_table(path, columns=[name])[name]


def identity(path: Path) -> bytes:
    """What ``write`` gave as the identity of a written shard, from its columns."""
    ids, labels, digests = (
        column(path, name, kind).to_pylist()
        for name, kind in (("id", pa.string()), ("label", pa.int32()), ("sha256", pa.binary(32)))
    )
    return b"".join(map(_identity, ids, labels, digests))


def group_rows(path: Path) -> list[int]:
    """How many images each row group holds; an NPZ shard is one."""
    with _reading(path):
        if path.suffix == ".npz":
            with _npz(path) as arrays:
                return [len(arrays["label"])]
        with pq.ParquetFile(path) as parquet:
            groups = range(parquet.num_row_groups)
            return [parquet.metadata.row_group(group).num_rows for group in groups]


def group_images(path: Path, shape: Shape, group: int) -> NDArray[np.float32]:
    """The images of a row group: float32 in [0, 1], shape (n, h, w, c)."""
    with _reading(path):
        if path.suffix == ".npz":
            with _npz(path) as arrays:
                found: NDArray[np.float32] = arrays["image"]
                return found
        with pq.ParquetFile(path) as parquet:
            return _group_images(parquet, group, shape)


def images(path: Path, shape: Shape) -> Iterator[NDArray[np.float32]]:
    """The images, a row group at a time: float32 in [0, 1], shape (n, h, w, c)."""
    for group in range(len(group_rows(path))):
        yield group_images(path, shape, group)


def take(path: Path, shape: Shape, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The images of ``rows``, in that order; only the row groups in which they lie are read."""
    found = np.empty((len(rows), *shape), np.float32)
    with _reading(path):
        if path.suffix == ".npz":
            with _npz(path) as arrays:
                found[:] = arrays["image"][rows]
            return found
        with pq.ParquetFile(path) as parquet:
            start = 0
            for group in range(parquet.num_row_groups):
                stop = start + parquet.metadata.row_group(group).num_rows
                mine = (rows >= start) & (rows < stop)
                if mine.any():
                    found[mine] = _group_images(parquet, group, shape)[rows[mine] - start]
                start = stop
    return found


def schema(classes: int, shape: Shape) -> pa.Schema:
    """The Arrow schema of shards with so many classes and images of ``shape``."""
    columns = {
        "id": pa.string(),
        "position": pa.int32(),
        "label": pa.int32(),
        "class": pa.string(),
        "one_hot": pa.list_(pa.float32(), classes),
        "image": pa.fixed_shape_tensor(pa.float32(), shape, ["height", "width", "channel"]),
        "sha256": pa.binary(32),
        "pixel_min": pa.int32(),
        "pixel_max": pa.int32(),
        "pixel_sum": pa.list_(pa.int64(), shape[2]),
        "pixel_squares": pa.list_(pa.int64(), shape[2]),
    }
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


def _columns(rows: Rows, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
    """A row group as NumPy arrays, images normalized."""
    n, height, width, channels = rows.pixels.shape
    flat = np.ascontiguousarray(rows.pixels).reshape(n, height * width * channels)
    little = flat.astype(flat.dtype.newbyteorder("<"), copy=False)
    digests = b"".join(hashlib.sha256(image.data).digest() for image in little)
    sums, squares = _sums(flat.reshape(n, height * width, channels))
    maximum = np.float32(np.iinfo(flat.dtype).max)
    return {
        "id": np.asarray(rows.ids, np.str_),
        "position": rows.positions,
        "label": rows.labels,
        "class": np.asarray(classes, np.str_)[rows.labels],
        "one_hot": np.eye(len(classes), dtype=np.float32)[rows.labels],
        "image": np.divide(rows.pixels, maximum, dtype=np.float32),
        "sha256": np.frombuffer(digests, np.uint8).reshape(n, 32),
        "pixel_min": flat.min(axis=1).astype(np.int32),
        "pixel_max": flat.max(axis=1).astype(np.int32),
        "pixel_sum": sums,
        "pixel_squares": squares,
    }


def _sums(pixels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum and sum of squares for each image and channel, (n, c), of pixels, (n, h * w, c)."""
    n, _, channels = pixels.shape
    sums, squares = np.empty((2, n, channels), np.int64)
    for start in range(0, n, SUMMED_AT_ONCE):
        part = slice(start, start + SUMMED_AT_ONCE)
        # uint32 holds the square of a 16-bit value; sums over contiguous planes are the fastest.
        planes = pixels[part].swapaxes(1, 2).astype(np.uint32, order="C")
        sums[part] = planes.sum(axis=2, dtype=np.int64)
        squares[part] = np.square(planes, out=planes).sum(axis=2, dtype=np.int64)
    return sums, squares


def _empty(classes: Sequence[str], shape: Shape) -> dict[str, NDArray[Any]]:
    none = np.empty(0, np.int32)
    return _columns(Rows([], none, none, np.empty((0, *shape), np.uint8)), classes)


def _identity(name: str, label: int, digest: bytes) -> bytes:
    text = name.encode()
    return struct.pack("<II", len(text), label) + text + digest


def _write_parquet(
    path: Path, groups: Iterable[dict[str, NDArray[Any]]], layout: pa.Schema
) -> None:
    with pq.ParquetWriter(path, layout, compression="zstd", compression_level=1) as writer:
        for group in groups:
            arrays = [_to_arrow(group[field.name], field.type) for field in layout]
            writer.write_table(pa.table(arrays, schema=layout))


def _write_npz(
    path: Path, groups: list[dict[str, NDArray[Any]]], empty: dict[str, NDArray[Any]]
) -> None:
    groups = groups or [empty]
    columns = {name: np.concatenate([group[name] for group in groups]) for name in empty}
    np.savez(path, allow_pickle=False, **columns)


def _to_arrow(array: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """A column of one of the schema's types from its NumPy form."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return pa.ExtensionArray.from_storage(kind, _to_arrow(array, kind.storage_type))
    if pa.types.is_fixed_size_list(kind):
        flat = pa.array(np.ascontiguousarray(array).reshape(-1), kind.value_type)
        return pa.FixedSizeListArray.from_arrays(flat, type=kind)
    if pa.types.is_fixed_size_binary(kind):
        data = pa.py_buffer(np.ascontiguousarray(array))
        return pa.FixedSizeBinaryArray.from_buffers(kind, len(array), [None, data])
    if pa.types.is_string(kind):
        return pa.array(array.tolist(), kind)
    return pa.array(array, kind)


def _group_images(parquet: pq.ParquetFile, group: int, shape: Shape) -> NDArray[np.float32]:
    table = parquet.read_row_group(group, columns=["image"])
    flat: NDArray[np.float32] = table["image"].combine_chunks().storage.flatten().to_numpy()
    return flat.reshape(-1, *shape)


def _npz(path: Path) -> Any:
    return np.load(path, allow_pickle=False)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Have whatever goes wrong in reading a shard say so, in one line.

    Raises
    ------
    DataError
        If it is missing or is not what ``write`` wrote.
    """
    files.existing(path, "decode")
    try:
        yield
    except (pa.ArrowException, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is damaged ({reason}); remove it and run dvc repro") from None
