"""The operations of ``augmentation`` on batches, in TensorFlow."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.train.augmentation import Augmentation

LEAST_ERASED = 0.02
"""Of the image's area; the rectangle's sides are in a ratio of 0.3 to 1/0.3 (Zhong et al.)."""
LEAST_RATIO = 0.3


class Augmenter:
    """Changes batches of images, uint8 or uint16 of shape (n, h, w, c), and their labels, int32."""

    def __init__(self, params: Augmentation, classes: int, seed: int) -> None:
        self.params = params
        self.classes = classes
        self.seed = seed

    def of(self, epoch: int) -> Callable[[Any, Any, Any], tuple[Any, Any]] | None:
        """What changes a step's batch in an epoch; None if nothing does."""
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
    """Random numbers for a batch; each call is of an operation of its own."""

    def __init__(self, seed: Any, step: Any, n: Any) -> None:
        self.seed = tf.random.experimental.stateless_fold_in(tf.constant(seed), step, "philox")
        self.n = n
        self.operations = itertools.count()

    def share(self, low: float = 0.0, high: float = 1.0, shape: Any = ()) -> Any:
        """Uniform in [low, high), one for each image (of ``shape`` each)."""
        size = tf.concat([[self.n], tf.cast(shape, tf.int32)], 0)
        return tf.random.stateless_uniform(size, self._next(), low, high, alg="philox")

    def scalar(self) -> Any:
        """Uniform in [0, 1), one for the batch."""
        return tf.random.stateless_uniform([], self._next(), alg="philox")

    def whole(self, low: int, high: int) -> Any:
        """Whole numbers from low to high, both included, one for each image."""
        return tf.random.stateless_uniform(
            [self.n], self._next(), low, high + 1, tf.int32, alg="philox"
        )

    def order(self) -> Any:
        """A permutation of the batch."""
        return tf.argsort(self.share(), stable=True)

    def beta(self, alpha: float) -> Any:
        """Of the Beta distribution (alpha, alpha), one for each image."""
        one, two = (
            tf.random.stateless_gamma([self.n], self._next(), alpha) + np.float32(1e-20)
            for _ in range(2)
        )
        return one / (one + two)

    def _next(self) -> Any:
        number = next(self.operations)
        return tf.random.experimental.stateless_fold_in(self.seed, number, "philox")


def _where(chosen: Any, changed: Any, pixels: Any) -> Any:
    return tf.where(chosen[:, None, None, None], changed, pixels)


def _shift(pixels: Any, most: int, draw: _Draw) -> Any:
    """Pad by ``most`` black pixels and cut each image out at a place of its own."""
    height, width = pixels.shape[1:3]
    padded = tf.pad(pixels, [[0, 0], [most, most], [most, most], [0, 0]])
    rows = draw.whole(0, 2 * most)[:, None] + tf.range(height)
    columns = draw.whole(0, 2 * most)[:, None] + tf.range(width)
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def _crop(pixels: Any, most: float, draw: _Draw) -> Any:
    size = pixels.shape[1:3]
    left = 1 - draw.share(0, most, [2])
    start = draw.share(shape=[2]) * (1 - left)
    boxes = tf.concat([start, start + left], 1)
    found = tf.image.crop_and_resize(pixels, boxes, tf.range(tf.shape(pixels)[0]), size)
    return tf.cast(tf.round(found), pixels.dtype)


def _erase(pixels: Any, chance: float, most: float, draw: _Draw) -> Any:
    area = draw.share(LEAST_ERASED, max(most, LEAST_ERASED))
    ratio = tf.exp(draw.share(np.log(LEAST_RATIO), -np.log(LEAST_RATIO)))
    erased = _rectangle(tf.shape(pixels), tf.sqrt(area * ratio), tf.sqrt(area / ratio), draw)
    erased &= (draw.share() < chance)[:, None, None, None]
    noise = tf.cast(draw.share(0, float(pixels.dtype.max), tf.shape(pixels)[1:]), pixels.dtype)
    return tf.where(erased, noise, pixels)


def _rectangle(shape: Any, height: Any, width: Any, draw: _Draw) -> Any:
    """Where a rectangle lies in each image: bool[n, h, w, 1]; its sides are shares of the image's.

    Its centre is anywhere in the image, so that a part of it may lie outside.
    """

    def side(length: Any, share: Any) -> Any:
        half = share * tf.cast(length, tf.float32) / 2
        distance = tf.range(length, dtype=tf.float32) + 0.5
        centre = draw.share() * tf.cast(length, tf.float32)
        return tf.abs(distance - centre[:, None]) < half[:, None]

    rows, columns = side(shape[1], height), side(shape[2], width)
    return (rows[:, :, None] & columns[:, None, :])[..., None]
