"""The split: a Parquet file with each image's subset, training, validation or test."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.core import files
from pipeline.core.errors import DataError

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
        If the file is missing or damaged, or has other subsets than ``SUBSETS``.
    """
    try:
        table = pq.read_table(path, schema=SCHEMA)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the split stage (dvc repro)") from None
    except pa.ArrowException as error:
        raise DataError(f"{path}: is damaged ({error}); delete it and run dvc repro") from None
    subsets = np.full(len(table), -1, np.int8)
    for position, name in enumerate(SUBSETS):
        subsets[table["subset"].to_numpy() == name] = position
    if (subsets < 0).any():
        raise DataError(f"{path}: has subsets other than {', '.join(SUBSETS)}; run dvc repro")
    return Split(table["id"], subsets)
