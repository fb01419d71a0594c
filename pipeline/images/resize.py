"""Fitting: images of any size brought to one, by stretching, cropping or padding.

What shrinks is averaged over areas (OpenCV's INTER_AREA), what grows is interpolated
(INTER_LINEAR).
"""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Fit = Literal["stretch", "crop", "pad"]
"""``stretch`` to the shape; ``crop`` the middle, after scaling the shorter side (relative to the
shape) to it; ``pad`` with black around the middle, after scaling the longer side to it."""


def fit(pixels: NDArray[Any], shape: tuple[int, int, int], how: Fit) -> NDArray[Any]:
    """Bring an image to the height and width of ``shape``.

    Parameters
    ----------
    pixels : ndarray
        uint8, uint16 or float32, shape (h, w, c).
    shape : tuple of int
        Height, width, and channels, of which there are as many as there were.
    how : {"stretch", "crop", "pad"}
        What is done where the proportions differ.

    Returns
    -------
    ndarray
        Of the same type. An image that has the size is returned as it is.
    """
    height, width, channels = shape
    if how == "stretch":
        return _resize(pixels, height, width)
    ratios = height / pixels.shape[0], width / pixels.shape[1]
    scale = max(ratios) if how == "crop" else min(ratios)
    scaled = _resize(
        pixels,
        *(
            # The side that decides is the shape's exactly, whatever the float says.
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


def _resize(pixels: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Shrink first what is too long, then enlarge what is too short.

    OpenCV averages areas only where both sides shrink.
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
