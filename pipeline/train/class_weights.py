"""Class weights: how much each image counts in training, so that rare classes are not drowned."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

ClassWeights = Literal["none", "balanced"]
"""``balanced``: an image of a class of m images, of n in all of K classes, counts n / (K * m)."""


def balanced(counts: ArrayLike) -> NDArray[np.float64]:
    """Weights of classes, inversely proportional to their numbers of images.

    As scikit-learn's ``compute_class_weight``, after King and Zeng, "Logistic regression in rare
    events data", 2001. The mean weight of the images is 1.

    Parameters
    ----------
    counts : array of shape (K,)
        Images of each class.

    Raises
    ------
    ZeroDivisionError
        If a class has none: it would have an infinite weight.

    Examples
    --------
    >>> balanced([3, 1]).round(3).tolist()
    [0.667, 2.0]
    """
    found = np.asarray(counts, np.float64)
    if not found.all():
        raise ZeroDivisionError
    weights: NDArray[np.float64] = found.sum() / (len(found) * found)
    return weights
