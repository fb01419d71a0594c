"""Random numbers for the images of a batch, and what is chosen by them.

They come from stateless seeds of (the run's seed, epoch, step, operation).
"""

import itertools
from typing import Any

import numpy as np
import tensorflow as tf


class Draw:
    """Random numbers for a batch; each call draws from a seed of its own."""

    def __init__(self, seed: Any, step: Any, n: Any) -> None:
        self.seed = tf.random.experimental.stateless_fold_in(seed, step, "philox")
        self.n = n
        self.operations = itertools.count()

    def share(self, low: float = 0.0, high: float = 1.0, shape: Any = ()) -> Any:
        """Return numbers uniform in [low, high): float32[n, *shape], ``shape`` for each image."""
        size = tf.concat([[self.n], tf.cast(shape, tf.int32)], 0)
        return tf.random.stateless_uniform(size, self._seed(), low, high, alg="philox")

    def scalar(self) -> Any:
        """Return a number uniform in [0, 1) for the whole batch."""
        return tf.random.stateless_uniform([], self._seed(), alg="philox")

    def whole(self, low: int, high: int) -> Any:
        """Return whole numbers from low to high, both included: int32[n]."""
        return tf.random.stateless_uniform(
            [self.n], self._seed(), low, high + 1, tf.int32, alg="philox"
        )

    def order(self) -> Any:
        """Return a permutation of the batch: int32[n]."""
        return tf.argsort(self.share(), stable=True)

    def beta(self, alpha: float) -> Any:
        """Return numbers of the Beta distribution (alpha, alpha): float32[n]."""
        one, two = (
            tf.random.stateless_gamma([self.n], self._seed(), alpha) + np.float32(1e-20)
            for _ in range(2)
        )
        return one / (one + two)

    def _seed(self) -> Any:
        number = next(self.operations)
        return tf.random.experimental.stateless_fold_in(self.seed, number, "philox")


def each(numbers: Any) -> Any:
    """Return a number for each image, float32[n], in the shape of images."""
    return numbers[:, None, None, None]


def chosen(which: Any, changed: Any, pixels: Any) -> Any:
    """Return the changed images where ``which``, bool[n], is true, and ``pixels`` elsewhere."""
    return tf.where(each(which), changed, pixels)
