"""Encoded images: one PNG, JPEG … as an array of its own depth, RGB or grey.

OpenCV's own conversions are silent: ``IMREAD_COLOR`` turns 16 bits into 8, drops alpha, expands
palettes and applies EXIF rotation. So an image is decoded unchanged, in the orientation in which it
is stored, and what differs from the declaration is a fault; only the order of channels (OpenCV's is
BGR) and the number of colours are converted, on purpose.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

PNG = b"\x89PNG\r\n\x1a\n"
PNG_PALETTE = 3
BMP_PALETTE_BITS = 8
DEPTHS = {8: np.dtype(np.uint8), 16: np.dtype(np.uint16)}

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


class ImageError(Exception):
    """Why an image cannot be used, in a few words."""


def decode(content: bytes, shape: tuple[int, int, int], bits: int) -> Pixels:
    """Decode an image.

    Parameters
    ----------
    content : bytes
        The encoded image, in any format that OpenCV reads.
    shape : tuple of int
        Height, width and channels that it must have: 1 (grey) or 3 (RGB). A grey image becomes RGB
        and a colour image grey (OpenCV's ITU-R BT.601 weights) where the other is declared.
    bits : int
        The depth that it must have: 8 or 16 bits a channel.

    Returns
    -------
    ndarray
        uint8 or uint16, of ``shape``.

    Raises
    ------
    ImageError
        If it cannot be decoded, has a palette or alpha, or another size or depth.
    """
    if has_palette(content):
        raise ImageError("has a palette")
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # an empty buffer, or a size above OpenCV's limit
        pixels = None
    if pixels is None:
        raise ImageError("cannot be decoded")
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 3):
        raise ImageError("has an alpha channel")
    if pixels.dtype != DEPTHS[bits]:
        raise ImageError(f"is of type {pixels.dtype}, not {DEPTHS[bits]} (decode.bits: {bits})")
    if pixels.shape[:2] != shape[:2]:
        found, wanted = pixels.shape[:2], shape[:2]
        raise ImageError(f"is {found[1]}x{found[0]} pixels, not {wanted[1]}x{wanted[0]}")
    return _convert(pixels, shape[2])


def has_palette(content: bytes) -> bool:
    """Whether a PNG, BMP or GIF stores indices of a palette, which OpenCV would expand silently."""
    if content.startswith(PNG):
        return content[25:26] == bytes([PNG_PALETTE])
    if content.startswith(b"BM"):
        return 0 < int.from_bytes(content[28:30], "little") <= BMP_PALETTE_BITS
    return content.startswith((b"GIF87a", b"GIF89a"))


def _convert(pixels: Pixels, channels: int) -> Pixels:
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    if channels == 3:
        converted = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if colour else cv2.COLOR_GRAY2RGB)
    else:
        converted = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if colour else pixels
    return np.asarray(converted).reshape(*pixels.shape[:2], channels)
