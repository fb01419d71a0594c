"""Calibration: how often a model is right where it says that it is sure."""

from typing import NamedTuple

import numpy as np

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
