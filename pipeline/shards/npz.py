"""Shards in NPZ, NumPy's uncompressed archive, with an array for each column."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
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
        self._arrays = np.load(path, allow_pickle=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._arrays.close()

    def column(self, name: str, kind: pa.DataType) -> pa.ChunkedArray:
        """Return a column as Arrow type ``kind``."""
        return pa.chunked_array([to_arrow(self._arrays[name], kind)])

    def group_rows(self) -> list[int]:
        """Return the number of rows, in a list."""
        return [len(self._arrays["label"])]

    def group_images(self, _group: int, _shape: Shape) -> NDArray[np.float32]:
        """Return the images."""
        images: NDArray[np.float32] = self._arrays["image"]
        return images
