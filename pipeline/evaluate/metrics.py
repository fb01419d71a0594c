"""Metrics of the predictions for the test subset: ``evaluation.json`` and ``confusion.csv``."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.evaluate.calibration import expected_calibration_error
from pipeline.evaluate.predictions import Predictions

CONFIDENCE_LEVEL = 0.95
SMALLEST = float(np.finfo(np.float32).tiny)
"""The smallest normal float32, 1.2e-38: a probability below it counts as it, for its logarithm."""


class Interval(TypedDict):
    """Bounds of a confidence interval, in [0, 1]."""

    high: float
    low: float


class ClassScores(TypedDict):
    """Scores of a class, in [0, 1], and its number of test images."""

    precision: float
    recall: float
    f1: float
    support: int


class Evaluation(TypedDict):
    """The content of ``evaluation.json``."""

    accuracy: float
    accuracy_interval: Interval
    classes: dict[str, ClassScores]
    """By the class's name."""
    expected_calibration_error: float
    loss: float
    """Mean cross-entropy, in nats."""
    n: int
    """Test images."""
    train_accuracy: float


def evaluate(
    predictions: Predictions, classes: Sequence[str], train_accuracy: float, calibration_bins: int
) -> Evaluation:
    """Return the content of ``evaluation.json``.

    Parameters
    ----------
    predictions : Predictions
        Of the whole test subset.
    classes : sequence of str
        Names, in the order of the labels.
    train_accuracy : float
        Share of the training images that the final weights classify correctly.
    calibration_bins : int
        See ``expected_calibration_error``.

    Raises
    ------
    DataError
        If there are no predictions, or probabilities that are not finite.
    """
    n = len(predictions.labels)
    if not n:
        raise DataError("there are no predictions: the test subset is empty; see split.test")
    broken = int((~np.isfinite(predictions.probabilities).all(axis=1)).sum())
    if broken:
        raise DataError(
            f"the model gives no finite probabilities for {broken:,} of {n:,} test images; train "
            "again with another train.precision or a lower learning rate"
        )
    hits = int(predictions.correct.sum())
    return {
        "accuracy": hits / n,
        "accuracy_interval": accuracy_interval(hits, n),
        "classes": per_class(predictions, classes),
        "expected_calibration_error": expected_calibration_error(
            predictions.confidence, predictions.correct, calibration_bins
        ),
        "loss": cross_entropy(predictions),
        "n": n,
        "train_accuracy": train_accuracy,
    }


def accuracy_interval(hits: int, n: int) -> Interval:
    """Return Wilson's 95% interval of an accuracy, without correction for continuity.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    1927.

    Examples
    --------
    >>> {bound: round(value, 4) for bound, value in accuracy_interval(90, 100).items()}
    {'high': 0.9448, 'low': 0.8256}
    """
    from scipy.stats import binomtest  # with scikit-learn 1 s, in which Ctrl-C would be a traceback

    interval = binomtest(hits, n).proportion_ci(CONFIDENCE_LEVEL, method="wilson")
    return {"high": float(interval.high), "low": float(interval.low)}


def cross_entropy(predictions: Predictions) -> float:
    """Return the mean of -ln(probability of the true class), in nats, summed in float64.

    A probability that underflowed counts as the smallest normal float32, so the loss of one image
    is at most 87.3 and the mean is finite.
    """
    rows = np.arange(len(predictions.labels))
    true = predictions.probabilities[rows, predictions.labels].astype(np.float64)
    return float(-np.log(np.maximum(true, SMALLEST)).mean())


def per_class(predictions: Predictions, classes: Sequence[str]) -> dict[str, ClassScores]:
    """Return precision, recall, F1 and support (number of test images) of every class, by name.

    A score whose denominator is 0 is 0: precision of a class never predicted, recall of one that
    the test subset lacks.
    """
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=range(len(classes)), zero_division=0
    )
    return {
        name: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for name, precision, recall, f1, support in zip(classes, *scores, strict=True)
    }


def write_confusion(path: Path, predictions: Predictions, classes: Sequence[str]) -> None:
    """Write ``confusion.csv`` for DVC's confusion plot: true and predicted class of each image."""
    with files.new_table(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["actual", "predicted"])
        for label, predicted in zip(predictions.labels, predictions.predicted, strict=True):
            writer.writerow([classes[label], classes[predicted]])
