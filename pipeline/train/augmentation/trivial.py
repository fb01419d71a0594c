"""TrivialAugment: each image is changed in one way, of a strength that is drawn for it.

Source: Müller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation",
2021, with the strengths of RandAugment (Cubuk et al., 2020). The changes of colour are left out, as
grey images have none, and so are sharpness and equalization.
"""

import math
from typing import Any

import tensorflow as tf

from pipeline.train.augmentation import geometry, light
from pipeline.train.augmentation.draw import Draw, chosen

ROTATION = math.pi / 6
"""Radians at most."""
SHEAR = 0.3
MOVE = 0.3
"""Share of the side at most."""
LIGHT = 0.9
"""Of brightness and contrast, at most."""
BITS = 4
"""Bits that the fewest steps leave off."""
WAYS = (
    *("none", "rotation", "shear_x", "shear_y", "move_x", "move_y"),
    *("brightness", "contrast", "posterize", "solarize", "stretch"),
)


def trivial(pixels: Any, draw: Draw) -> Any:
    """Change each image, integers [n, h, w, c], in one of ``WAYS``."""
    way = draw.whole(0, len(WAYS) - 1)
    strength = draw.share()
    signed = tf.where(draw.share() < 0.5, -strength, strength)
    return changed(pixels, way, strength, signed)


def changed(pixels: Any, way: Any, strength: Any, signed: Any) -> Any:
    """Return images that are changed as it was drawn.

    Parameters
    ----------
    way : Tensor
        Places in ``WAYS``, int32[n].
    strength, signed : Tensor
        In [0, 1], and the same with a sign, float32[n].
    """

    def of(*names: str) -> Any:
        return tf.reduce_any([way == WAYS.index(name) for name in names], axis=0)

    def drawn(name: str, most: float) -> Any:
        return tf.where(of(name), signed * most, 0.0)

    height, width = pixels.shape[1:3]
    moved = geometry.warp(
        pixels,
        rotation=drawn("rotation", ROTATION),
        shear=(drawn("shear_x", SHEAR), drawn("shear_y", SHEAR)),
        move=(drawn("move_x", MOVE * width), drawn("move_y", MOVE * height)),
    )
    pixels = chosen(of("rotation", "shear_x", "shear_y", "move_x", "move_y"), moved, pixels)
    lit = light.adjusted(pixels, drawn("brightness", LIGHT), 1 + drawn("contrast", LIGHT))
    pixels = chosen(of("brightness", "contrast"), lit, pixels)
    steps = tf.pow(2.0, tf.round(strength * BITS)) * ((pixels.dtype.max + 1) // 256)
    pixels = chosen(of("posterize"), light.posterized(pixels, steps), pixels)
    pixels = chosen(of("solarize"), light.solarized(pixels, 1 - strength), pixels)
    return chosen(of("stretch"), light.stretched(pixels), pixels)
