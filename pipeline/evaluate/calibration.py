"""Calibration: the agreement of a model's confidence with its accuracy.

Confidences are put into bins of equal width that are closed on the right: bin m of M holds those in
((m - 1) / M, m / M]. Source: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural
networks", 2017.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.predictions import Predictions

BINS = 15
"""Number of bins where ``evaluate`` has none."""


class Bin(NamedTuple):
    """Predictions whose confidence is in (low, high]: their number, mean confidence, accuracy."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def bins(predictions: Predictions, count: int) -> list[Bin]:
    """Return the bins of a reliability diagram that hold an image, ascending.

    Parameters
    ----------
    count : int
        Number of bins of [0, 1], the empty ones included.
    """
    confidence = predictions.confidence.astype(np.float64)
    edges, bin_of = _divide(confidence, count)
    n = np.bincount(bin_of, minlength=count)
    total_confidence = np.bincount(bin_of, confidence, count)
    hits = np.bincount(bin_of, predictions.correct, count)
    return [
        Bin(
            low=float(edges[b]),
            high=float(edges[b + 1]),
            n=int(n[b]),
            confidence=float(total_confidence[b] / n[b]),
            accuracy=float(hits[b] / n[b]),
        )
        for b in np.flatnonzero(n)
    ]


def expected_calibration_error(
    confidence: NDArray[np.floating[Any]], correct: NDArray[np.bool_], bins: int
) -> float:
    """Return the mean distance of confidence and accuracy over bins, weighted by their images.

    Parameters
    ----------
    confidence : ndarray
        Probability of the predicted class; shape (n,).
    correct : ndarray of bool
        True where that class is the true one; shape (n,).
    bins : int
        Number of bins.

    Examples
    --------
    Two images in (0.5, 1], one of them right, confident by 0.875 on average:

    >>> expected_calibration_error(np.array([0.75, 1.0]), np.array([True, False]), bins=2)
    0.375
    """
    _, bin_of = _divide(confidence, bins)
    gaps = np.bincount(bin_of, correct - confidence.astype(np.float64))
    return float(np.abs(gaps).sum() / len(confidence))


def _divide(
    confidence: NDArray[np.floating[Any]], bins: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the edges of the bins, float64[bins + 1], and the bin of each confidence, int[n]."""
    edges = np.linspace(0, 1, bins + 1)
    return edges, np.digitize(confidence, edges[1:-1], right=True)
