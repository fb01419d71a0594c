"""Rectangles in images: filled with noise, or taken from another image."""

from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.train.augmentation.draw import Draw

LEAST_ERASED = 0.02
"""Least area of an erased rectangle, as a share of the image's (Zhong et al., 2020)."""
LEAST_RATIO = 0.3
"""Least ratio of its sides; the greatest is 1 / 0.3."""


def erase(pixels: Any, chance: float, most: float, draw: Draw) -> Any:
    """Fill a rectangle of up to ``most`` of the area with noise, in ``chance`` of the images."""
    area = draw.share(LEAST_ERASED, max(most, LEAST_ERASED))
    ratio = tf.exp(draw.share(np.log(LEAST_RATIO), -np.log(LEAST_RATIO)))
    erased = rectangle(tf.shape(pixels), tf.sqrt(area * ratio), tf.sqrt(area / ratio), draw)
    erased &= (draw.share() < chance)[:, None, None, None]
    noise = tf.cast(draw.share(0, float(pixels.dtype.max), tf.shape(pixels)[1:]), pixels.dtype)
    return tf.where(erased, noise, pixels)


def rectangle(shape: Any, height: Any, width: Any, draw: Draw) -> Any:
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
