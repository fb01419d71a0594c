"""Predictions: a model's probabilities for every image of a subset, as a Parquet file."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.core import errors, files
from pipeline.core.errors import DataError
from pipeline.subsets import parquet

NONE = np.empty(0, np.int32)
WIDEST = 100_000
"""Classes."""
TOLERANCE = 1e-3
"""By how much a sum of probabilities, of some bits each, may differ from 1."""


class Predictions(NamedTuple):
    """One row an image, in the order in which the images were shown to the model.

    Examples
    --------
    >>> one = Predictions(["test-0"], np.int32([1]), np.int32([0]), np.float32([[0.75, 0.25]]))
    >>> one.schema.names
    ['id', 'label', 'predicted', 'probabilities']
    """

    ids: list[str]
    """The images' ids, as in the shards."""
    labels: NDArray[np.int32]
    """The true classes, as positions in the list of classes; shape (n,)."""
    predicted: NDArray[np.int32]
    """The most probable classes, likewise; shape (n,)."""
    probabilities: NDArray[np.float32]
    """In [0, 1], rows sum to 1; shape (n, K)."""

    @property
    def schema(self) -> pa.Schema:
        """Return the Arrow schema of the file."""
        columns = {
            "id": pa.string(),
            "label": pa.int32(),
            "predicted": pa.int32(),
            "probabilities": pa.list_(pa.float32(), self.probabilities.shape[1]),
        }
        return pa.schema([pa.field(name, kind, False) for name, kind in columns.items()])

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Return where the predicted class is the true one: bool[n]."""
        correct: NDArray[np.bool_] = self.predicted == self.labels
        return correct

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Return the probability of each predicted class: float32[n]."""
        return self.probabilities[np.arange(len(self.labels)), self.predicted]

    def write(self, path: Path, beside: Mapping[str, str] | None = None) -> None:
        """Write the predictions; the bytes depend on them, and on what stands beside them, alone.

        Parameters
        ----------
        beside : mapping of str, optional
            Metadata of the file.
        """
        # Empty metadata, too, would change the bytes.
        schema = self.schema.with_metadata(beside) if beside else self.schema
        flat = pa.array(np.ascontiguousarray(self.probabilities).reshape(-1), pa.float32())
        columns = [
            pa.array(self.ids, pa.string()),
            pa.array(self.labels, pa.int32()),
            pa.array(self.predicted, pa.int32()),
            pa.FixedSizeListArray.from_arrays(flat, type=schema.field("probabilities").type),
        ]
        with files.new_file(path) as work:
            pq.write_table(pa.table(columns, schema=schema), work, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> "Predictions":
        """Read predictions.

        Raises
        ------
        DataError
            If the file is missing or is not Parquet, or its predictions are impossible.
        """
        table = parquet.read(path, "evaluate", _differs)
        classes = table.schema.field("probabilities").type.list_size
        with errors.one_line(path, "evaluate again (dvc repro)"):
            flat = table["probabilities"].combine_chunks().flatten()
            if flat.null_count:
                raise ValueError("its column probabilities has lists without a value")
            found = cls(
                ids=table["id"].to_pylist(),
                labels=table["label"].to_numpy(),
                predicted=table["predicted"].to_numpy(),
                probabilities=flat.to_numpy().reshape(-1, classes),
            )
        if fault := found.fault():
            raise DataError(f"{path}: {fault}; evaluate again (dvc repro)")
        return found

    def fault(self) -> str:
        """Return what no model can have predicted, of which files are; ``""`` if nothing is so."""
        n, classes = self.probabilities.shape
        for name, positions in (("label", self.labels), ("predicted", self.predicted)):
            if n and not 0 <= positions.min() <= positions.max() < classes:
                return f"its column {name} has classes beyond its {classes:,} probabilities"
        if len(set(self.ids)) < n:
            return "ids stand there more than once"
        sums = self.probabilities.sum(axis=1, dtype=np.float64)  # NaN is near nothing
        if n and not (np.abs(sums - 1) < TOLERANCE).all():
            return "there are probabilities that do not sum to 1"
        if n and (self.probabilities.min() < 0 or self.probabilities.max() > 1 + TOLERANCE):
            return "there are probabilities that are not between 0 and 1"
        if n and (self.confidence < self.probabilities.max(axis=1)).any():
            return "some predicted classes are not the most probable ones"
        return ""

    def confusion(self) -> NDArray[np.int64]:
        """Return how often class i (row) was predicted as class j (column): int64[K, K]."""
        classes = self.probabilities.shape[1]
        cells = self.labels.astype(np.int64) * classes + self.predicted
        return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def _differs(found: pa.Schema) -> str:
    """Return how the columns of a file differ from those of predictions; ``""`` if they do not."""
    kind = found.field("probabilities").type if "probabilities" in found.names else None
    if kind is None or not pa.types.is_fixed_size_list(kind) or not 0 < kind.list_size <= WIDEST:
        return "it has no column probabilities of lists that are all as long"
    none = Predictions([], NONE, NONE, np.empty((0, kind.list_size), np.float32))
    return parquet.differs(found, none.schema)
