"""Source of a split: a decoded dataset and its table of labels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.labels import table
from pipeline.shards import index as shard_index
from pipeline.shards.index import Index


@dataclass(frozen=True)
class Source:
    """A decoded dataset that is to be divided; rows are those of its shards."""

    shards: Path
    """Folder of the shards."""
    index: Index
    table: Path
    """Table of labels; it is read only for columns that the parameters name."""

    @property
    def ids(self) -> pa.ChunkedArray:
        """The id of each row, text."""
        return shard_index.column(self.shards, self.index, "id")

    @property
    def labels(self) -> NDArray[np.int32]:
        """The label of each row."""
        labels: NDArray[np.int32] = shard_index.column(self.shards, self.index, "label").to_numpy()
        return labels

    @property
    def positions(self) -> NDArray[np.int32]:
        """The position of each row in the table of labels, or among the sorted names."""
        column = shard_index.column(self.shards, self.index, "position")
        positions: NDArray[np.int32] = column.to_numpy()
        return positions

    def column(self, name: str, key: str, *, may_be_empty: bool = False) -> list[str]:
        """Return the value of each row in a column of the table.

        Parameters
        ----------
        name : str
            The column.
        key : str
            The parameter that names it, for messages.
        may_be_empty : bool

        Raises
        ------
        DataError
            If the table is missing or damaged, lacks the column, or has an empty value there.
        """
        rows = self.positions
        column = table.column(self.table, name, key, rows, may_be_empty=may_be_empty)
        values: list[str] = column.to_pylist()
        return values
