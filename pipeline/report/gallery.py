"""The gallery: the test images that a page shows, each with its most probable classes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.core.errors import DataError
from pipeline.evaluate.predictions import Predictions
from pipeline.report import thumbnails
from pipeline.subsets.images import Dataset

TOP = 3
"""Number of the most probable classes that are shown of an image."""
CANDIDATES = 6000
"""Number of images behind cells that are considered at most."""
TOP_BUDGET = 300_000
"""Characters that the pictures of the mistakes, and those of the uncertain images, may take."""
CELL_BUDGET = 1_500_000
"""Likewise those behind the cells of the confusion matrix."""


def rows(dataset: Dataset, predictions: Predictions) -> NDArray[np.int64]:
    """Return the row in the shards of each prediction; shape (n,).

    Raises
    ------
    DataError
        If an id is not among the dataset's.
    """
    ids = pa.array(predictions.ids, pa.string())
    places = pc.index_in(ids, value_set=dataset.split.ids.combine_chunks())
    if places.null_count:
        raise DataError(f"the predictions are not of {dataset.folder}; run dvc repro")
    in_shards: NDArray[np.int64] = places.to_numpy().astype(np.int64)
    return in_shards


def mistakes(predictions: Predictions) -> NDArray[np.int64]:
    """Return the positions of the mistakes, the most confident first."""
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    return wrong[np.argsort(-predictions.confidence[wrong], kind="stable")]


def uncertain(predictions: Predictions) -> NDArray[np.int64]:
    """Return the positions of all images, the least confident first."""
    return np.argsort(predictions.confidence, kind="stable")


def cells(predictions: Predictions, limit: int) -> NDArray[np.int64]:
    """Return the positions of images behind the cells of the confusion matrix.

    The most confident one of each cell comes first, then another one of each, up to ``limit``, so
    that a budget that ends early leaves something for every cell. In each round mistakes come
    before images that are classified correctly.
    """
    cell = predictions.labels.astype(np.int64) * predictions.probabilities.shape[1]
    cell += predictions.predicted
    right = predictions.labels == predictions.predicted
    order = np.lexsort((-predictions.confidence, cell))
    _, starts = np.unique(cell[order], return_index=True)
    sizes = np.diff(np.append(starts, len(order)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    kept = np.flatnonzero(rank < limit)
    return kept[np.lexsort((cell[kept], right[kept], rank[kept]))]


class Gallery:
    """Test images with their predictions."""

    def __init__(self, dataset: Dataset, predictions: Predictions) -> None:
        self.dataset = dataset
        self.predictions = predictions
        self.rows = rows(dataset, predictions)

    def show(self, positions: Iterable[int], budget: int) -> list[dict[str, Any]]:
        """Return as many of the images as ``budget`` has room for, in the given order.

        Returns
        -------
        list of dict
            ``id``; ``label`` and ``predicted``, as positions in the list of classes; ``top``, pairs
            of position and probability of the most probable classes; ``src``, the picture.
        """
        every = np.fromiter(positions, np.int64)
        images = thumbnails.read(self.dataset, self.rows[every])
        kept = thumbnails.within(self.rows[every].tolist(), images, budget)
        return [self._shown(int(position), images) for position in every[: len(kept)]]

    def behind_cells(self, limit: int) -> list[dict[str, Any]]:
        """Return images behind the cells of the confusion matrix, up to ``limit`` each."""
        return self.show(cells(self.predictions, limit)[:CANDIDATES], CELL_BUDGET)

    def _shown(self, position: int, images: Mapping[int, str]) -> dict[str, Any]:
        predictions = self.predictions
        probabilities = predictions.probabilities[position]
        top: Sequence[int] = np.argsort(-probabilities, kind="stable")[:TOP].tolist()
        return {
            "id": predictions.ids[position],
            "label": int(predictions.labels[position]),
            "predicted": int(predictions.predicted[position]),
            "top": [[label, round(float(probabilities[label]), 4)] for label in top],
            "src": images[int(self.rows[position])],
        }
