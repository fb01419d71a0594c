"""Mean difference of accuracies over seeds and images, with its interval."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE_LEVEL = 0.95


class Difference(NamedTuple):
    """A mean and its interval, which a single seed does not have."""

    mean: float
    low: float | None
    high: float | None


def difference(gains: NDArray[np.floating[Any]]) -> Difference:
    """Return the mean difference between two ways of training, with an interval.

    It holds for other seeds and other images than these: both are random factors of a two-way
    analysis of variance, as readers and cases are where diagnostic methods are compared. Source:
    S. L. Hillis, "A comparison of denominator degrees of freedom methods for multiple observer ROC
    analysis", Statistics in Medicine 26 (2007), for a fully crossed design of two methods.

    Parameters
    ----------
    gains : ndarray
        Right by the one less right by the other (-1, 0 or 1), of shape (seeds, images), for the
        same seeds and images.

    Examples
    --------
    Of four images, both seeds get one more right:

    >>> mean, low, high = difference(np.array([[1, 0, 0, 0], [1, 0, 0, 0]]))
    >>> mean, round(low, 2), round(high, 2)
    (0.25, -0.24, 0.74)
    """
    from scipy import stats

    seeds, images = gains.shape
    mean = float(gains.mean())
    if seeds < 2:
        return Difference(mean, None, None)
    of_seeds, of_images = gains.mean(axis=1), gains.mean(axis=0)
    between_seeds = images * of_seeds.var(ddof=1)
    between_images = seeds * of_images.var(ddof=1)
    rest = gains - of_seeds[:, None] - of_images + mean
    residual = (rest**2).sum() / ((seeds - 1) * (images - 1))
    total = between_seeds + max(between_images - residual, 0.0)
    if not total:
        return Difference(mean, mean, mean)
    freedom = (seeds - 1) * (total / between_seeds) ** 2 if between_seeds else np.inf
    half = float(stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, freedom) * np.sqrt(total / gains.size))
    return Difference(mean, mean - half, mean + half)
