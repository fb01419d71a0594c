"""The data card: what a dataset's subsets hold, counted exactly, without opening an image again."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import shards
from pipeline.shards import Index
from pipeline.splits import SUBSETS, Split


def data_card(dataset: str, folder: Path, index: Index, split: Split) -> dict[str, Any]:
    """Describe a dataset and its subsets.

    Returns
    -------
    dict
        ``subsets``: for each its ``n`` and the images of each class. ``training_pixels``: minimum
        and maximum, and for each channel mean and (population) standard deviation of the training
        subset's normalized pixels, in [0, 1]. ``duplicates``: images that repeat an earlier one
        exactly ``within`` a subset, and distinct images that stand in two subsets (``across``).
        Further the classes, the shape, the data's identity and the number of images quarantined.
    """
    labels = shards.column(folder, index, "label").to_numpy()
    return {
        "dataset": dataset,
        "classes": list(index.classes),
        "shape": list(index.shape),
        "content_sha256": index.content_sha256,
        "subsets": {
            subset: _counts(labels[split.rows(subset)], index.classes) for subset in SUBSETS
        },
        "training_pixels": _pixels(folder, index, split.rows("train")),
        "duplicates": _duplicates(shards.column(folder, index, "sha256"), split),
        "quarantined": len(index.quarantined),
    }


def _counts(labels: NDArray[np.int32], classes: tuple[str, ...]) -> dict[str, Any]:
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    return {"n": len(labels), "classes": dict(zip(classes, counts, strict=True))}


def _pixels(folder: Path, index: Index, rows: NDArray[np.int64]) -> dict[str, Any]:
    def of(name: str) -> pa.ChunkedArray:
        return shards.column(folder, index, name).take(pa.array(rows))

    def totals(name: str) -> list[int]:
        """A column's sum for each channel, in Python's integers, which do not overflow."""
        values = of(name).combine_chunks().flatten().to_numpy().reshape(len(rows), -1)
        return [sum(channel.tolist()) for channel in values.T]

    height, width, _ = index.shape
    n = len(rows) * height * width
    sums, squares = totals("pixel_sum"), totals("pixel_squares")
    return {
        "min": int(of("pixel_min").to_numpy().min()) / index.divisor,
        "max": int(of("pixel_max").to_numpy().max()) / index.divisor,
        "mean": [total / (n * index.divisor) for total in sums],
        "std": [
            (n * square - total**2) ** 0.5 / (n * index.divisor)
            for total, square in zip(sums, squares, strict=True)
        ],
    }


def _duplicates(digests: pa.ChunkedArray, split: Split) -> dict[str, Any]:
    values = digests.to_pylist()
    subsets = {subset: [values[row] for row in split.rows(subset)] for subset in SUBSETS}
    distinct = {subset: set(found) for subset, found in subsets.items()}
    pairs = (("train", "validation"), ("train", "test"), ("validation", "test"))
    return {
        "within": {subset: len(subsets[subset]) - len(distinct[subset]) for subset in SUBSETS},
        "across": {f"{a}_{b}": len(distinct[a] & distinct[b]) for a, b in pairs},
    }
