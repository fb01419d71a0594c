"""Augmentation: training images changed at random, anew in each epoch, in TensorFlow.

Everything is drawn from stateless seeds of (the run's seed, epoch, step, operation), for a batch as
a whole before it is divided among devices, so that neither threads nor devices change a pixel.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.train.params import Augmentation

LEAST_ERASED = 0.02
"""Least area of an erased rectangle, as a share of the image's (Zhong et al., 2020)."""
LEAST_RATIO = 0.3
"""Least ratio of its sides; the greatest is 1 / 0.3."""


class Augmenter:
    """A change of batches of images, uint8 or uint16[n, h, w, c], and their labels, int32[n]."""

    def __init__(self, params: Augmentation, classes: int, seed: int) -> None:
        self.params = params
        self.classes = classes
        self.seed = seed

    def of(self, epoch: int) -> Callable[[Any, Any, Any], tuple[Any, Any]] | None:
        """Return the function that changes a step's batch in an epoch; None if nothing is changed.

        It takes the step's number, the images and the labels, and returns images and labels.
        """
        return None if self.params.changes_nothing else partial(self._augment, epoch)

    def _augment(self, epoch: int, step: Any, pixels: Any, labels: Any) -> tuple[Any, Any]:
        """Augment a batch; labels become shares, float32[n, K], where images are mixed.

        Images that are mixed become float32, on the same scale.
        """
        params = self.params
        draw = _Draw(np.array([self.seed, epoch], np.int64), step, tf.shape(pixels)[0])
        if params.flip_horizontal:
            pixels = _where(draw.share() < 0.5, tf.reverse(pixels, [2]), pixels)
        if params.flip_vertical:
            pixels = _where(draw.share() < 0.5, tf.reverse(pixels, [1]), pixels)
        if params.crop:
            pixels = _crop(pixels, params.crop, draw)
        if params.shift:
            pixels = _shift(pixels, params.shift, draw)
        if params.erasing:
            pixels = _erase(pixels, params.erasing, params.erasing_area, draw)
        if params.mixes_labels:
            return self._mix(pixels, labels, draw)
        return pixels, labels

    def _mix(self, pixels: Any, labels: Any, draw: "_Draw") -> tuple[Any, Any]:
        """Mix each image and label with another of the batch, by mixup or CutMix."""
        targets = tf.one_hot(labels, self.classes)
        pixels = tf.cast(pixels, tf.float32)
        partner = draw.order()
        others, their_targets = tf.gather(pixels, partner), tf.gather(targets, partner)
        coin = draw.scalar() < 0.5
        mixed: Any = None
        if self.params.mixup:
            share = draw.beta(self.params.mixup)
            weight = share[:, None, None, None]
            mixed = weight * pixels + (1 - weight) * others, share
        if self.params.cutmix:
            share = draw.beta(self.params.cutmix)
            pasted = _rectangle(tf.shape(pixels), tf.sqrt(1 - share), tf.sqrt(1 - share), draw)
            kept = 1 - tf.reduce_mean(tf.cast(pasted, tf.float32), [1, 2, 3])
            cut = tf.where(pasted, others, pixels), kept
            mixed = cut if mixed is None else tf.cond(coin, lambda: mixed, lambda: cut)
        pixels, share = mixed
        return pixels, share[:, None] * targets + (1 - share[:, None]) * their_targets


class _Draw:
    """Random numbers for a batch; each call draws from a seed of its own."""

    def __init__(self, seed: Any, step: Any, n: Any) -> None:
        self.seed = tf.random.experimental.stateless_fold_in(tf.constant(seed), step, "philox")
        self.n = n
        self.operations = itertools.count()

    def share(self, low: float = 0.0, high: float = 1.0, shape: Any = ()) -> Any:
        """Return numbers uniform in [low, high): float32[n, *shape], ``shape`` for each image."""
        size = tf.concat([[self.n], tf.cast(shape, tf.int32)], 0)
        return tf.random.stateless_uniform(size, self._next(), low, high, alg="philox")

    def scalar(self) -> Any:
        """Return a number uniform in [0, 1) for the whole batch."""
        return tf.random.stateless_uniform([], self._next(), alg="philox")

    def whole(self, low: int, high: int) -> Any:
        """Return whole numbers from low to high, both included: int32[n]."""
        return tf.random.stateless_uniform(
            [self.n], self._next(), low, high + 1, tf.int32, alg="philox"
        )

    def order(self) -> Any:
        """Return a permutation of the batch: int32[n]."""
        return tf.argsort(self.share(), stable=True)

    def beta(self, alpha: float) -> Any:
        """Return numbers of the Beta distribution (alpha, alpha): float32[n]."""
        one, two = (
            tf.random.stateless_gamma([self.n], self._next(), alpha) + np.float32(1e-20)
            for _ in range(2)
        )
        return one / (one + two)

    def _next(self) -> Any:
        number = next(self.operations)
        return tf.random.experimental.stateless_fold_in(self.seed, number, "philox")


def _where(chosen: Any, changed: Any, pixels: Any) -> Any:
    """Return the changed images where ``chosen``, bool[n], is true, and ``pixels`` elsewhere."""
    return tf.where(chosen[:, None, None, None], changed, pixels)


def _shift(pixels: Any, most: int, draw: _Draw) -> Any:
    """Pad by ``most`` black pixels, and cut each image out at a place drawn for it."""
    height, width = pixels.shape[1:3]
    padded = tf.pad(pixels, [[0, 0], [most, most], [most, most], [0, 0]])
    rows = draw.whole(0, 2 * most)[:, None] + tf.range(height)
    columns = draw.whole(0, 2 * most)[:, None] + tf.range(width)
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def _crop(pixels: Any, most: float, draw: _Draw) -> Any:
    """Cut off up to ``most`` of height and width, and resize the rest to the image's size."""
    size = pixels.shape[1:3]
    left = 1 - draw.share(0, most, [2])
    start = draw.share(shape=[2]) * (1 - left)
    boxes = tf.concat([start, start + left], 1)
    resized = tf.image.crop_and_resize(pixels, boxes, tf.range(tf.shape(pixels)[0]), size)
    return tf.cast(tf.round(resized), pixels.dtype)


def _erase(pixels: Any, chance: float, most: float, draw: _Draw) -> Any:
    """Fill a rectangle of up to ``most`` of the area with noise, in ``chance`` of the images."""
    area = draw.share(LEAST_ERASED, max(most, LEAST_ERASED))
    ratio = tf.exp(draw.share(np.log(LEAST_RATIO), -np.log(LEAST_RATIO)))
    erased = _rectangle(tf.shape(pixels), tf.sqrt(area * ratio), tf.sqrt(area / ratio), draw)
    erased &= (draw.share() < chance)[:, None, None, None]
    noise = tf.cast(draw.share(0, float(pixels.dtype.max), tf.shape(pixels)[1:]), pixels.dtype)
    return tf.where(erased, noise, pixels)


def _rectangle(shape: Any, height: Any, width: Any, draw: _Draw) -> Any:
    """Return a mask of a rectangle in each image: bool[n, h, w, 1].

    Height and width are shares of the image's. The centre is anywhere in the image, so that a part
    of the rectangle may lie outside.
    """

    def side(length: Any, share: Any) -> Any:
        half = share * tf.cast(length, tf.float32) / 2
        distance = tf.range(length, dtype=tf.float32) + 0.5
        centre = draw.share() * tf.cast(length, tf.float32)
        return tf.abs(distance - centre[:, None]) < half[:, None]

    rows, columns = side(shape[1], height), side(shape[2], width)
    return (rows[:, :, None] & columns[:, None, :])[..., None]
