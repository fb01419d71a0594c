"""Metrics of the predictions for the test subset, and of the validation subset."""

from collections.abc import Sequence

import numpy as np

from pipeline.core.errors import DataError
from pipeline.evaluate.calibration import expected_calibration_error
from pipeline.evaluate.evaluation import ClassScores, Evaluation, Interval, Validation
from pipeline.evaluate.predictions import Predictions
from pipeline.models.history import Columns, Stopped

CONFIDENCE_LEVEL = 0.95
TOP = 5
"""How many of the most probable classes are looked at for ``top_5_accuracy``."""
TOP_FROM = 20
"""Classes from which on it is a metric."""
ROUNDING = 1e-9
"""By how much an accuracy may differ from a whole number of images, divided."""
SMALLEST = float(np.finfo(np.float32).tiny)
"""The smallest normal float32, 1.2e-38: a probability below it counts as it, for its logarithm."""


def evaluate(
    predictions: Predictions,
    classes: Sequence[str],
    train_accuracy: float,
    calibration_bins: int,
    validation: Validation | None = None,
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
    validation : Validation, optional
        See ``validated``.

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
    several = len(classes) >= TOP_FROM
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
        top_5_accuracy=top_accuracy(predictions, TOP) if several else None,
        validation=validation,
    )


def validated(history: Columns, stopped: Stopped, n: int) -> Validation | None:
    """Return what training measured of the validation subset with the weights that it kept.

    Parameters
    ----------
    history : mapping
        Columns of ``history.csv``.
    stopped : Stopped
        The run's, which says which epoch that was.
    n : int
        Validation images.

    Returns
    -------
    Validation or None
        None without a validation subset.

    Raises
    ------
    DataError
        If the history's accuracy cannot be one of so many images.
    """
    if not n or "validation_accuracy" not in history:
        return None
    kept = stopped.kept(history)
    accuracy = float(history["validation_accuracy"][kept])
    hits = round(accuracy * n)
    if not 0 <= hits <= n or abs(hits / n - accuracy) > ROUNDING:
        raise DataError(
            f"the history's validation accuracy {accuracy:g} is not one of {n:,} images; train "
            "again (dvc repro)"
        )
    loss = float(history["validation_loss"][kept])
    interval = accuracy_interval(hits, n)
    return Validation(accuracy=accuracy, accuracy_interval=interval, loss=loss, n=n)


def top_accuracy(predictions: Predictions, count: int) -> float:
    """Return the share of images whose class is among the ``count`` most probable ones.

    Of equally probable classes the first counts as more probable, as for the predicted one.
    """
    shares = predictions.probabilities
    true = np.take_along_axis(shares, predictions.labels[:, None].astype(np.int64), axis=1)
    before = np.arange(shares.shape[1]) < predictions.labels[:, None]
    rank = ((shares > true) | ((shares == true) & before)).sum(axis=1)
    return float((rank < count).mean())


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
