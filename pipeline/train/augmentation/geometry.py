"""Changes of where pixels stand: moved, cut, turned, enlarged, sheared."""

from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from pipeline.train.augmentation.draw import Draw


def shift(pixels: Any, most: int, draw: Draw) -> Any:
    """Pad by ``most`` black pixels, and cut each image out at a place drawn for it."""
    height, width = pixels.shape[1:3]
    padded = tf.pad(pixels, [[0, 0], [most, most], [most, most], [0, 0]])
    rows = draw.whole(0, 2 * most)[:, None] + tf.range(height)
    columns = draw.whole(0, 2 * most)[:, None] + tf.range(width)
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def crop(pixels: Any, most: float, draw: Draw) -> Any:
    """Cut off up to ``most`` of height and width, and resize the rest to the image's size."""
    size = pixels.shape[1:3]
    left = 1 - draw.share(0, most, [2])
    start = draw.share(shape=[2]) * (1 - left)
    boxes = tf.concat([start, start + left], 1)
    resized = tf.image.crop_and_resize(pixels, boxes, tf.range(tf.shape(pixels)[0]), size)
    return tf.cast(tf.round(resized), pixels.dtype)


def turn(pixels: Any, degrees: float, zoom: float, draw: Draw) -> Any:
    """Turn each image by up to ``degrees``, and enlarge or shrink it by up to ``zoom``."""
    angle = draw.share(-degrees, degrees) * np.float32(np.pi / 180)
    size = 1 + draw.share(-zoom, zoom)
    return warp(pixels, rotation=angle, size=size)


def warp(
    pixels: Any,
    *,
    rotation: Any = 0.0,
    size: Any = 1.0,
    shear: Any = (0.0, 0.0),
    move: Any = (0.0, 0.0),
) -> Any:
    """Turn, enlarge, shear and move each image about its centre (bilinear).

    What comes in from beyond an edge is the image's mirrored part there.

    Parameters
    ----------
    pixels : Tensor
        [n, h, w, c].
    rotation : Tensor
        Angles in radians, float32[n].
    size : Tensor
        Factors, float32[n].
    shear, move : pair of Tensor
        Along the width and along the height, float32[n]: as tangents, and in pixels.
    """
    height, width = pixels.shape[1:3]
    ones = tf.ones(tf.shape(pixels)[:1])
    cos, sin = tf.cos(rotation * ones) / size, tf.sin(rotation * ones) / size
    (over, down), (right, below) = shear, move
    a, b = cos + over * sin, over * cos - sin
    c, d = down * cos + sin, cos - down * sin
    x, y = (width - 1) / 2, (height - 1) / 2
    rows = [a, b, x - a * x - b * y - right, c, d, y - c * x - d * y - below]
    transform = tf.stack([*(row * ones for row in rows), 0 * ones, 0 * ones], axis=1)
    moved = ops.image.affine_transform(
        tf.cast(pixels, tf.float32), transform, interpolation="bilinear", fill_mode="reflect"
    )
    return tf.cast(tf.round(moved), pixels.dtype)
