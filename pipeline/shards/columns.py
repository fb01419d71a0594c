"""Columns of a shard: their names, their types, and their values for decoded images.

Images are RGB or grey, float32 in [0, 1], shape (height, width, channels): the source's integers
divided by their type's maximum (255 or 65,535). A shard's columns:

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

From the last five, ``split`` finds duplicates and exact statistics of any subset without the
images.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Shape = tuple[int, int, int]
"""Height, width, channels."""
Columns = dict[str, NDArray[Any]]
"""A row group: a NumPy array for each column."""

SUMMED_AT_ONCE = 64
"""Images whose sums are taken together, which bounds the memory for it."""


class Rows(NamedTuple):
    """Some decoded images before normalization, with their ids and labels."""

    ids: list[str]
    positions: NDArray[np.int32]
    labels: NDArray[np.int32]
    pixels: NDArray[Any]
    """uint8 or uint16, shape (n, h, w, c)."""


def schema(classes: int, shape: Shape) -> pa.Schema:
    """Return the Arrow schema of shards with so many classes and images of ``shape``."""
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


def columns(rows: Rows, classes: Sequence[str]) -> Columns:
    """Return a row group's columns, with normalized images."""
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


def empty(classes: Sequence[str], shape: Shape) -> Columns:
    """Return the columns of a row group without rows."""
    none = np.empty(0, np.int32)
    return columns(Rows([], none, none, np.empty((0, *shape), np.uint8)), classes)


def identity(ids: Sequence[str], labels: Sequence[int], digests: Sequence[bytes]) -> bytes:
    """Return the bytes over which the data's identity is taken, from three columns of some rows."""
    return b"".join(map(_identity, ids, labels, digests))


def to_arrow(array: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return a column as an Arrow array of its type in ``schema``."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return pa.ExtensionArray.from_storage(kind, to_arrow(array, kind.storage_type))
    if pa.types.is_fixed_size_list(kind):
        flat = pa.array(np.ascontiguousarray(array).reshape(-1), kind.value_type)
        return pa.FixedSizeListArray.from_arrays(flat, type=kind)
    if pa.types.is_fixed_size_binary(kind):
        data = pa.py_buffer(np.ascontiguousarray(array))
        return pa.FixedSizeBinaryArray.from_buffers(kind, len(array), [None, data])
    if pa.types.is_string(kind):
        return pa.array(array.tolist(), kind)
    return pa.array(array, kind)


def _sums(pixels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each image's sum and sum of squares, shape (n, c), for pixels of (n, h * w, c)."""
    n, _, channels = pixels.shape
    sums, squares = np.empty((2, n, channels), np.int64)
    for start in range(0, n, SUMMED_AT_ONCE):
        part = slice(start, start + SUMMED_AT_ONCE)
        # uint32 holds the square of a 16-bit value; sums over contiguous planes are the fastest.
        planes = pixels[part].swapaxes(1, 2).astype(np.uint32, order="C")
        sums[part] = planes.sum(axis=2, dtype=np.int64)
        squares[part] = np.square(planes, out=planes).sum(axis=2, dtype=np.int64)
    return sums, squares


def _identity(name: str, label: int, digest: bytes) -> bytes:
    text = name.encode()
    return struct.pack("<II", len(text), label) + text + digest
