"""Class weights: how much each image counts in training, so that rare classes are not drowned."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def balanced(counts: ArrayLike) -> NDArray[np.float64]:
    """Return weights of classes, inversely proportional to their numbers of images.

    As scikit-learn's ``compute_class_weight``, after King and Zeng, "Logistic regression in rare
    events data", 2001. The mean weight of the images is 1.

    Parameters
    ----------
    counts : array of shape (K,)
        Images of each class.

    Returns
    -------
    ndarray of float64
        The weight of an image of each class; shape (K,).

    Raises
    ------
    ZeroDivisionError
        If a class has no image: its weight would be infinite.

    Examples
    --------
    >>> balanced([3, 1]).round(3).tolist()
    [0.667, 2.0]
    """
    images = np.asarray(counts, np.float64)
    if not images.all():
        raise ZeroDivisionError
    weights: NDArray[np.float64] = images.sum() / (len(images) * images)
    return weights
