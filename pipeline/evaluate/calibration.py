"""Calibration: how often a model is right where it says that it is sure."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.predictions import Predictions

BINS = 15
"""How many where ``evaluate`` does not say."""


class Bin(NamedTuple):
    """Predictions whose confidence is in (low, high]: their number, mean confidence, accuracy."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def bins(predictions: Predictions, count: int) -> list[Bin]:
    """The bins of a reliability diagram that hold an image, ascending.

    They are those of the expected calibration error (``evaluation``): of equal width, closed on the
    right. Source: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", 2017.

    Parameters
    ----------
    count : int
        Number of bins of [0, 1], the empty ones included.
    """
    rows = np.arange(len(predictions.labels))
    confidence = predictions.probabilities[rows, predictions.predicted].astype(np.float64)
    correct = predictions.predicted == predictions.labels
    edges = np.linspace(0, 1, count + 1)
    bin_of = np.digitize(confidence, edges[1:-1], right=True)
    n = np.bincount(bin_of, minlength=count)
    sure = np.bincount(bin_of, confidence, count)
    right = np.bincount(bin_of, correct, count)
    return [
        Bin(
            float(edges[b]),
            float(edges[b + 1]),
            int(n[b]),
            float(sure[b] / n[b]),
            float(right[b] / n[b]),
        )
        for b in np.flatnonzero(n)
    ]


def expected_calibration_error(
    confidence: NDArray[np.floating[Any]], correct: NDArray[np.bool_], bins: int
) -> float:
    """How far confidence and accuracy are apart: the mean over bins, weighted by their images.

    The bins have equal width and are closed on the right: bin m of M holds confidences in
    ((m - 1) / M, m / M]. Source: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural
    networks", 2017.

    Parameters
    ----------
    confidence : ndarray
        Probability of the predicted class; shape (n,).
    correct : ndarray of bool
        Whether that class is the true one; shape (n,).
    bins : int
        Number of bins.

    Examples
    --------
    Two images in (0.5, 1], one of them right, confident by 0.875 on average:

    >>> expected_calibration_error(np.array([0.75, 1.0]), np.array([True, False]), bins=2)
    0.375
    """
    inner_edges = np.linspace(0, 1, bins + 1)[1:-1]
    bin_of = np.digitize(confidence, inner_edges, right=True)
    gaps = np.bincount(bin_of, correct - confidence.astype(np.float64))
    return float(np.abs(gaps).sum() / len(confidence))
