"""Metrics of the predictions for the test subset."""

from collections.abc import Sequence

import numpy as np

from pipeline.core.errors import DataError
from pipeline.evaluate.calibration import expected_calibration_error
from pipeline.evaluate.evaluation import ClassScores, Evaluation, Interval
from pipeline.evaluate.predictions import Predictions

CONFIDENCE_LEVEL = 0.95
SMALLEST = float(np.finfo(np.float32).tiny)
"""The smallest normal float32, 1.2e-38: a probability below it counts as it, for its logarithm."""


def evaluate(
    predictions: Predictions, classes: Sequence[str], train_accuracy: float, calibration_bins: int
) -> Evaluation:
    """Return the metrics of a run's predictions.

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
    return Evaluation(
        accuracy=hits / n,
        accuracy_interval=accuracy_interval(hits, n),
        classes=per_class(predictions, classes),
        expected_calibration_error=expected_calibration_error(
            predictions.confidence, predictions.correct, calibration_bins
        ),
        loss=cross_entropy(predictions),
        n=n,
        train_accuracy=train_accuracy,
    )


def accuracy_interval(hits: int, n: int) -> Interval:
    """Return Wilson's 95% interval of an accuracy, without correction for continuity.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    1927.

    Examples
    --------
    >>> interval = accuracy_interval(90, 100)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.8256, 0.9448)
    """
    from scipy.stats import binomtest  # with scikit-learn 1 s, in which Ctrl-C would be a traceback

    interval = binomtest(hits, n).proportion_ci(CONFIDENCE_LEVEL, method="wilson")
    return Interval(high=float(interval.high), low=float(interval.low))


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
        name: ClassScores(
            f1=float(f1), precision=float(precision), recall=float(recall), support=int(support)
        )
        for name, precision, recall, f1, support in zip(classes, *scores, strict=True)
    }
