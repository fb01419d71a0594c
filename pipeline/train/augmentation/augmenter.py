"""Augmentation: training images changed at random, anew in each epoch, in TensorFlow.

Everything is drawn from stateless seeds of (the run's seed, epoch, step, operation), for a batch as
a whole before it is divided among devices, so that neither threads nor devices change a pixel.
"""

from typing import Any

import tensorflow as tf

from pipeline.train.augmentation import erasing, geometry, light, trivial
from pipeline.train.augmentation.draw import Draw, chosen
from pipeline.train.params import Augmentation


class Augmenter:
    """A change of batches of images, uint8 or uint16[n, h, w, c], and their labels, int32[n]."""

    def __init__(self, params: Augmentation, classes: int, seed: int) -> None:
        self.params = params
        self.classes = classes
        self.seed = seed

    def __call__(self, epoch: Any, step: Any, pixels: Any, labels: Any) -> tuple[Any, Any]:
        """Augment the batch of a step in an epoch: numbers, or tensors of int64.

        Labels become shares, float32[n, K], where images are mixed, and these images float32, on
        the same scale.
        """
        params = self.params
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(epoch, tf.int64)])
        draw = Draw(seed, step, tf.shape(pixels)[0])
        if params.flip_horizontal:
            pixels = chosen(draw.share() < 0.5, tf.reverse(pixels, [2]), pixels)
        if params.flip_vertical:
            pixels = chosen(draw.share() < 0.5, tf.reverse(pixels, [1]), pixels)
        if params.crop:
            pixels = geometry.crop(pixels, params.crop, draw)
        if params.shift:
            pixels = geometry.shift(pixels, params.shift, draw)
        if params.rotation or params.zoom:
            pixels = geometry.turn(pixels, params.rotation, params.zoom, draw)
        if params.brightness or params.contrast:
            pixels = light.light(pixels, params.brightness, params.contrast, draw)
        if params.trivial:
            pixels = trivial.trivial(pixels, draw)
        if params.erasing:
            pixels = erasing.erase(pixels, params.erasing, params.erasing_area, draw)
        if params.mixes_labels:
            return self._mix(pixels, labels, draw)
        return pixels, labels

    def _mix(self, pixels: Any, labels: Any, draw: Draw) -> tuple[Any, Any]:
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
            pasted = erasing.rectangle(
                tf.shape(pixels), tf.sqrt(1 - share), tf.sqrt(1 - share), draw
            )
            kept = 1 - tf.reduce_mean(tf.cast(pasted, tf.float32), [1, 2, 3])
            cut = tf.where(pasted, others, pixels), kept
            mixed = cut if mixed is None else tf.cond(coin, lambda: mixed, lambda: cut)
        pixels, share = mixed
        return pixels, share[:, None] * targets + (1 - share[:, None]) * their_targets
