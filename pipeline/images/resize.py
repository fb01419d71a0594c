"""Resizing of images to one size, by stretching, cropping or padding.

A side that shrinks is averaged over areas (OpenCV's INTER_AREA), and one that grows is interpolated
(INTER_LINEAR).
"""

import math
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Resize = Literal["stretch", "crop", "pad"]
"""``stretch``: change the proportions. ``crop``: scale until the shape is covered, and keep the
middle. ``pad``: scale until the image is within the shape, and put black around it."""


MOST_SCALED = 1 << 24
"""Pixels of an image that is enlarged and then cropped."""


def resize_to(pixels: NDArray[Any], shape: tuple[int, int, int], how: Resize) -> NDArray[Any]:
    """Resize an image to the height and width of ``shape``.

    Parameters
    ----------
    pixels : ndarray
        uint8, uint16 or float32, shape (h, w, c).
    shape : tuple of int
        Height, width and channels; the channels are the image's own.
    how : {"stretch", "crop", "pad"}
        The method where the proportions differ.

    Returns
    -------
    ndarray
        Image of ``shape`` and the same type. One that has the size already is returned as it is.
    """
    height, width, channels = shape
    if how == "stretch":
        return _resize(pixels, height, width)
    if how == "crop":
        pixels = _shortened(pixels, height, width)
    ratios = height / pixels.shape[0], width / pixels.shape[1]
    scale = max(ratios) if how == "crop" else min(ratios)
    scaled = _resize(
        pixels,
        *(
            # Rounding must not change the side that the scale was computed from.
            target if ratio == scale else max(1, round(side * scale))
            for side, target, ratio in zip(pixels.shape, (height, width), ratios, strict=False)
        ),
    )
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    if how == "crop":
        return np.ascontiguousarray(scaled[top : top + height, left : left + width])
    padded = np.zeros((height, width, channels), pixels.dtype)
    padded[-top : scaled.shape[0] - top, -left : scaled.shape[1] - left] = scaled
    return padded


def _shortened(pixels: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Return the middle of a thin image that would be huge if it were scaled before it is cropped.

    Twice what will be kept stays of the longer side, so that its middle is where it was.
    """
    h, w = pixels.shape[:2]
    scale = max(height / h, width / w)
    if h * w * scale * scale <= max(h * w, MOST_SCALED):
        return pixels
    for axis, target in enumerate((height, width)):
        side = pixels.shape[axis]
        kept = min(side, 2 * math.ceil(target / scale) + side % 2)
        start = (side - kept) // 2
        pixels = pixels[start : start + kept] if axis == 0 else pixels[:, start : start + kept]
    return np.ascontiguousarray(pixels)


def _resize(pixels: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Resize in two steps: shrink what is too long, then enlarge what is too short.

    In one step, OpenCV would average areas only where both sides shrink.
    """
    h, w, channels = pixels.shape
    for size, method in (
        ((min(h, height), min(w, width)), cv2.INTER_AREA),
        ((height, width), cv2.INTER_LINEAR),
    ):
        if pixels.shape[:2] != size:
            resized = cv2.resize(pixels, (size[1], size[0]), interpolation=method)
            pixels = np.asarray(resized).reshape(*size, channels)
    return pixels
