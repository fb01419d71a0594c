"""Shards in NPZ, NumPy's uncompressed archive, with an array for each column."""

import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy
from numpy.typing import NDArray

from pipeline.shards.columns import Columns, Shape, empty, to_arrow


def write(path: Path, groups: Iterator[Columns], classes: Sequence[str], shape: Shape) -> None:
    """Write a shard; all ``groups`` are held, since an array is written as a whole."""
    held = list(groups) or [empty(classes, shape)]
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([group[name] for group in held]) for name in held[0]
    }
    np.savez(path, allow_pickle=False, **columns)


class NpzReader:
    """An open NPZ shard, which is one row group; see ``shard.Reader``."""

    def __init__(self, path: Path) -> None:
        self._members = zipfile.ZipFile(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._members.close()

    def column(self, name: str, kind: pa.DataType) -> pa.ChunkedArray:
        """Return a column as Arrow type ``kind``."""
        return pa.chunked_array([to_arrow(self._array(name), kind)])

    def group_rows(self) -> list[int]:
        """Return the number of rows, in a list."""
        return [len(self._array("label"))]

    def group_images(self, _group: int, _shape: Shape) -> NDArray[np.float32]:
        """Return the images."""
        images: NDArray[np.float32] = self._array("image")
        return images

    def _array(self, name: str) -> NDArray[Any]:
        return array(self._members, name)


def array(members: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read an array, which has as many bytes as its header says, and as the file has of it.

    Raises
    ------
    ValueError
        If it is compressed, or of another length, or holds objects or values without bytes.
    """
    member = members.getinfo(f"{name}.npy")
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"array {name} is compressed")
    with members.open(member) as stream:
        if npy.read_magic(stream) != (1, 0):
            raise ValueError(f"array {name} is of another version")
        shape, _, dtype = npy.read_array_header_1_0(stream)
        length = math.prod(shape) * max(1, dtype.itemsize)
        if dtype.hasobject or length != member.file_size - stream.tell():
            raise ValueError(f"array {name} is not as long as its header says")
    with members.open(member) as stream:
        found: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    return found
