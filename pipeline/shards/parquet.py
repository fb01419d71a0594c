"""Shards in Parquet, with the images dictionary-encoded.

8-bit sources have 256 distinct values, so normalized floats cost what bytes cost.
"""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.shards import pages
from pipeline.shards.columns import Columns, Shape, schema, to_arrow

SMALL_COLUMNS = 256 << 20
"""Bytes that a row group's column other than ``image`` may have in any case."""
OVERHEAD = 1 << 20
"""Bytes of a row group's images beside its values and as many positions in a dictionary."""


def write(path: Path, groups: Iterator[Columns], classes: Sequence[str], shape: Shape) -> None:
    """Write a shard; each of ``groups`` becomes a row group."""
    layout = schema(len(classes), shape)
    with pq.ParquetWriter(path, layout, compression="zstd", compression_level=1) as writer:
        for group in groups:
            arrays = [to_arrow(group[field.name], field.type) for field in layout]
            writer.write_table(pa.table(arrays, schema=layout))


class ParquetReader:
    """An open Parquet shard; see ``shard.Reader``."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self._raw = path.open("rb")
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._raw.close()

    def column(self, name: str, _: pa.DataType) -> pa.ChunkedArray:
        """Return a column, of the type that the file has it in."""
        for group in range(self._file.num_row_groups):
            self._check(group, name, max(SMALL_COLUMNS, 8 * self._path.stat().st_size))
        return self._file.read(columns=[name])[name]

    def group_rows(self) -> list[int]:
        """Return the number of rows of each row group."""
        groups = range(self._file.num_row_groups)
        return [self._file.metadata.row_group(group).num_rows for group in groups]

    def group_images(self, group: int, shape: Shape) -> NDArray[np.float32]:
        """Return a row group's images."""
        values = self._file.metadata.row_group(group).num_rows * math.prod(shape)
        if self._check(group, "image", 8 * values + OVERHEAD) != values:
            raise ValueError(f"row group {group} has not one image of {shape} a row")
        table = self._file.read_row_group(group, columns=["image"])
        flat: NDArray[np.float32] = table["image"].combine_chunks().storage.flatten().to_numpy()
        return flat.reshape(-1, *shape)

    def _check(self, group: int, name: str, most: int) -> int:
        """Raise ValueError over pages that state too much; return the number of values."""
        status = os.fstat(self._raw.fileno())
        found = pages.chunks(self._path, status.st_size, status.st_mtime_ns)[group].get(name)
        if found is None:
            return 0
        pages.check(self._raw.fileno(), found, most)
        return found.values
