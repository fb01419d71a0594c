"""Splits: which image is for training, which for validation, which for the test, as a file."""

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
    """Ids as text and their subsets (positions in ``SUBSETS``), in the shards' row order."""

    ids: pa.ChunkedArray
    subsets: NDArray[np.int8]

    def rows(self, subset: str) -> NDArray[np.int64]:
        """The rows of a subset, ascending, as positions in the shards."""
        return np.flatnonzero(self.subsets == SUBSETS.index(subset))


def write(path: Path, split: Split) -> None:
    """Write a split as Parquet: ``id`` and ``subset``, in the shards' row order."""
    subsets = pa.array(SUBSETS).take(pa.array(split.subsets))
    with files.new_file(path) as work:
        pq.write_table(pa.table([split.ids, subsets], schema=SCHEMA), work, compression="zstd")


def read(path: Path) -> Split:
    """Read what ``write`` wrote.

    Raises
    ------
    DataError
        If it is missing or damaged.
    """
    try:
        table = pq.read_table(path, schema=SCHEMA)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the split stage (dvc repro)") from None
    except pa.ArrowException as error:
        raise DataError(f"{path}: is damaged ({error}); delete it and run dvc repro") from None
    subsets = np.full(len(table), -1, np.int8)
    for code, name in enumerate(SUBSETS):
        subsets[table["subset"].to_numpy() == name] = code
    if (subsets < 0).any():
        raise DataError(f"{path}: has subsets other than {', '.join(SUBSETS)}; run dvc repro")
    return Split(table["id"], subsets)
