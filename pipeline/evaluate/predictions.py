"""Predictions: a model's probabilities for every image of a subset, as a Parquet file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.core import files
from pipeline.core.errors import DataError


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

    def write(self, path: Path) -> None:
        """Write the predictions; the bytes depend on them alone."""
        schema = self.schema
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
            If the file is missing or is not Parquet.
        """
        try:
            table = pq.read_table(path)
        except FileNotFoundError:
            raise DataError(f"{path} is missing; run the evaluate stage (dvc repro)") from None
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{path} is damaged ({reason}); delete it and run dvc repro") from None
        classes = table.schema.field("probabilities").type.list_size
        flat = table["probabilities"].combine_chunks().flatten().to_numpy()
        return cls(
            ids=table["id"].to_pylist(),
            labels=table["label"].to_numpy(),
            predicted=table["predicted"].to_numpy(),
            probabilities=flat.reshape(-1, classes),
        )

    def confusion(self) -> NDArray[np.int64]:
        """Return how often class i (row) was predicted as class j (column): int64[K, K]."""
        classes = self.probabilities.shape[1]
        cells = self.labels.astype(np.int64) * classes + self.predicted
        return np.bincount(cells, minlength=classes**2).reshape(classes, classes)
