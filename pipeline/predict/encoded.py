"""Encoded images as a model takes them, by TensorFlow's operations alone.

That is what ``adapt`` does, in a graph that a server can run without this project. PNG and JPEG are
decoded to the same values as by ``images.decode``, and shrunk to the same but for a few that round
the other way. OpenCV interpolates in integers: of an image that is enlarged, one value in eight
differs by 1 of 255, a few by 2. What a graph cannot see is left: Exif's orientation, CMYK profiles.
"""

from functools import partial
from typing import TYPE_CHECKING

from pipeline.images.resize import MOST_SCALED, Resize
from pipeline.predict.adapt import Adapter

if TYPE_CHECKING:
    import tensorflow as tf

GREY = 9798, 19235, 3735
"""OpenCV's weights of red, green and blue (ITU-R BT.601), of which the sum is 2 ** 15."""


def adapted(encoded: "tf.Tensor", adapter: Adapter) -> "tf.Tensor":
    """Return encoded images, string[n], as float32[n, height, width, channels] in [0, 1].

    Transparent pixels get the background of the adapter or of its policy. Another depth is scaled
    to the adapter's. TensorFlow raises ``InvalidArgumentError`` over what is no PNG or JPEG.
    """
    import tensorflow as tf

    shape = tf.TensorSpec(adapter.shape, tf.float32)
    return tf.map_fn(partial(_adapted, adapter=adapter), encoded, fn_output_signature=shape)


def _adapted(content: "tf.Tensor", adapter: Adapter) -> "tf.Tensor":
    import tensorflow as tf

    height, width, channels = adapter.shape
    top = 2**adapter.bits - 1
    rgba = tf.cond(tf.io.is_jpeg(content), partial(_jpeg, content), partial(_png, content))
    pixels = tf.cast(rgba if adapter.bits == 16 else (rgba + 128) // 257, tf.float64)
    policy = adapter.convert.alpha if adapter.convert else "refuse"
    background = adapter.background if policy == "refuse" else policy
    alpha = pixels[..., 3:]
    rgb = tf.round(pixels[..., :3] * alpha / top)
    if background == "white":
        rgb += top - alpha
    if channels == 1:
        # Rounded as in integers: the half up.
        rgb = tf.floor(
            tf.tensordot(rgb, tf.constant([[w] for w in GREY], tf.float64), 1) / 2**15 + 0.5
        )
    resized = resize(tf.cast(rgb, tf.float32), (height, width), adapter.declared or adapter.resize)
    return tf.ensure_shape(resized, adapter.shape) / top


def _jpeg(content: "tf.Tensor") -> "tf.Tensor":
    """Decode a JPEG to int32[h, w, 4], of 16 bits."""
    import tensorflow as tf

    rgb = tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")
    opaque = tf.fill([*tf.unstack(tf.shape(rgb)[:2]), 1], 255)
    return tf.concat([tf.cast(rgb, tf.int32), opaque], 2) * 257


def _png(content: "tf.Tensor") -> "tf.Tensor":
    """Decode a PNG to int32[h, w, 4], of 16 bits."""
    import tensorflow as tf

    return tf.cast(tf.io.decode_png(content, channels=4, dtype=tf.uint16), tf.int32)


def resize(pixels: "tf.Tensor", size: tuple[int, int], how: Resize) -> "tf.Tensor":
    """Resize an image, float32[h, w, c] of whole numbers, as ``images.resize.resize_to`` does."""
    import tensorflow as tf

    if how == "stretch":
        return _scaled(pixels, tf.constant(size))
    target = tf.constant(size, tf.float64)
    if how == "crop":
        pixels = _shortened(pixels, target)
    sides = tf.cast(tf.shape(pixels)[:2], tf.float64)
    ratios = target / sides
    scale = tf.reduce_max(ratios) if how == "crop" else tf.reduce_min(ratios)
    wanted = tf.where(ratios == scale, target, tf.maximum(tf.round(sides * scale), 1))
    scaled = _scaled(pixels, tf.cast(wanted, tf.int32))
    top, left = tf.unstack((tf.shape(scaled)[:2] - size) // 2)
    if how == "crop":
        return scaled[top : top + size[0], left : left + size[1]]
    return tf.image.pad_to_bounding_box(scaled, -top, -left, *size)


def _shortened(pixels: "tf.Tensor", target: "tf.Tensor") -> "tf.Tensor":
    """Return the middle of a thin image that would be huge if it were scaled as a whole."""
    import tensorflow as tf

    sides = tf.cast(tf.shape(pixels)[:2], tf.float64)
    scale = tf.reduce_max(target / sides)
    area = tf.reduce_prod(sides)
    enough = 2 * tf.math.ceil(target / scale) + sides % 2
    is_huge = area * scale**2 > tf.maximum(area, MOST_SCALED)
    kept = tf.where(is_huge, tf.minimum(sides, enough), sides)
    start = tf.cast((sides - kept) // 2, tf.int32)
    end = start + tf.cast(kept, tf.int32)
    return pixels[start[0] : end[0], start[1] : end[1]]


def _scaled(pixels: "tf.Tensor", size: "tf.Tensor") -> "tf.Tensor":
    """Shrink what is too long, averaged over areas, then enlarge what is too short."""
    import tensorflow as tf

    sides = tf.shape(pixels)[:2]
    less = tf.minimum(sides, size)
    means = tf.raw_ops.ResizeArea(images=pixels[None], size=less)
    # OpenCV rounds a half up where each mean is of 2x2, and to the even number elsewhere.
    means = tf.where(tf.reduce_all(sides == 2 * less), tf.floor(means + 0.5), tf.round(means))
    return tf.round(tf.image.resize(means, size))[0]
