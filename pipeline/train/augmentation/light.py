"""Changes of pixels' values: lighter, darker, stronger, in fewer steps, inverted."""

from typing import Any

import tensorflow as tf

from pipeline.train.augmentation.draw import Draw, each


def light(pixels: Any, brightness: float, contrast: float, draw: Draw) -> Any:
    """Change each image's brightness and contrast by up to these shares."""
    brighter = draw.share(-brightness, brightness)
    return adjusted(pixels, brighter, 1 + draw.share(-contrast, contrast))


def adjusted(pixels: Any, brighter: Any, contrast: Any) -> Any:
    """Return images whose differences from their means are multiplied, and whose means moved.

    Parameters
    ----------
    pixels : Tensor
        Integers, [n, h, w, c].
    brighter : Tensor
        Shares of the range of their values, float32[n].
    contrast : Tensor
        Factors, float32[n].
    """
    values = tf.cast(pixels, tf.float32)
    mean = tf.reduce_mean(values, [1, 2, 3], keepdims=True)
    moved = (values - mean) * each(contrast) + mean + each(brighter) * pixels.dtype.max
    return integers(moved, pixels.dtype)


def posterized(pixels: Any, steps: Any) -> Any:
    """Return images in fewer steps: values are rounded down to multiples, float32[n] each."""
    values = tf.cast(pixels, tf.float32)
    return integers(values - tf.math.floormod(values, each(steps)), pixels.dtype)


def solarized(pixels: Any, threshold: Any) -> Any:
    """Return images whose values from a threshold on, float32[n] in [0, 1], are inverted."""
    values = tf.cast(pixels, tf.float32)
    most = float(pixels.dtype.max)
    return integers(tf.where(values < each(threshold) * most, values, most - values), pixels.dtype)


def stretched(pixels: Any) -> Any:
    """Return images of which each channel's values are stretched over the whole range."""
    values = tf.cast(pixels, tf.float32)
    least = tf.reduce_min(values, [1, 2], keepdims=True)
    span = tf.reduce_max(values, [1, 2], keepdims=True) - least
    stretch = (values - least) * tf.math.divide_no_nan(float(pixels.dtype.max), span)
    return integers(tf.where(span > 0, stretch, values), pixels.dtype)


def integers(values: Any, dtype: Any) -> Any:
    """Return values rounded to the nearest integers of a type, within its range."""
    return tf.cast(tf.clip_by_value(tf.round(values), 0, float(dtype.max)), dtype)
