"""The split: a Parquet file with each image's subset, training, validation or test."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.subsets import parquet

SUBSETS = ("train", "validation", "test")
SCHEMA = pa.schema([pa.field("id", pa.string(), False), pa.field("subset", pa.string(), False)])


class Split(NamedTuple):
    """The images' ids and subsets, in the shards' row order."""

    ids: pa.ChunkedArray
    """Text."""
    subsets: NDArray[np.int8]
    """Positions in ``SUBSETS``."""

    def rows(self, subset: str) -> NDArray[np.int64]:
        """Return the rows of a subset in the shards, ascending."""
        return np.flatnonzero(self.subsets == SUBSETS.index(subset))


def write(path: Path, split: Split) -> None:
    """Write a split; the columns ``id`` and ``subset`` are text."""
    subsets = pa.array(SUBSETS).take(pa.array(split.subsets))
    with files.new_file(path) as work:
        pq.write_table(pa.table([split.ids, subsets], schema=SCHEMA), work, compression="zstd")


def read(path: Path) -> Split:
    """Read a split.

    Raises
    ------
    DataError
        If the file is missing or damaged, or has other columns, or other subsets than ``SUBSETS``.
    """
    table = parquet.read(path, "split", lambda found: parquet.differs(found, SCHEMA))
    found = pc.index_in(table["subset"], value_set=pa.array(SUBSETS))
    if found.null_count:
        raise DataError(f"{path}: has subsets other than {', '.join(SUBSETS)}; run dvc repro")
    return Split(table["id"], found.to_numpy().astype(np.int8))
