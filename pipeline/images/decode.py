"""Decoding of an image, such as a PNG or a JPEG, to an array of its own depth, RGB or grey.

OpenCV converts silently: ``IMREAD_COLOR`` turns 16 bits into 8, drops alpha, expands palettes and
applies EXIF rotation. So an image is decoded unchanged, in the orientation in which it is stored,
and a depth, size or kind of pixel that was not declared is an error. Only three things are
converted: the order of channels, from OpenCV's BGR; grey to RGB or back; and the size, if the
parameters say so.
"""

import io
import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core import placeholder
from pipeline.images.resize import Resize, resize_to

PNG = b"\x89PNG\r\n\x1a\n"
FORMATS = {"BMP", "JPEG", "MPO", "PPM", "TIFF", "WEBP"}
"""Formats beside PNG, by Pillow's names; MPO is a JPEG with another image behind it."""
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".mpo"),
)
"""Suffixes of the names of such files, in lower case."""
MAX_PIXELS = 50_000_000
"""The most pixels, width times height, that are decoded of an image to be resized."""
SPARE = 64 << 20
"""Bytes of memory with which OpenCV can decode an image, if it is not damaged."""
DEPTHS = {8: np.dtype(np.uint8), 16: np.dtype(np.uint16)}

Image.MAX_IMAGE_PIXELS = None  # only headers are read, and their sizes compared
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # faults are errors of ours

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


class ImageError(Exception):
    """An image that cannot be used; the message says why, in a few words."""


def decode(
    content: bytes,
    shape: tuple[int, int, int],
    bits: int,
    resize: Resize | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Pixels:
    """Decode an image.

    Parameters
    ----------
    content : bytes
        The encoded image: PNG, JPEG, BMP, TIFF, WebP or PPM.
    shape : tuple of int
        Height, width and channels that it must have: 1 (grey) or 3 (RGB). A grey image becomes RGB
        and a colour image grey (OpenCV's ITU-R BT.601 weights) where the other is declared.
    bits : int
        The depth that it must have: 8 or 16 bits a channel.
    resize : {"stretch", "crop", "pad"}, optional
        How an image of another size is resized to ``shape``; without it, another size is refused.
    max_pixels : int
        With ``resize``, the most (width times height) that an image may declare.

    Returns
    -------
    ndarray
        Image of ``shape``, uint8 or uint16.

    Raises
    ------
    ImageError
        If the image cannot be decoded, or has a palette, alpha, several frames, or another size or
        depth.
    """
    (width, height), wanted = declared_size(content), (shape[1], shape[0])
    if resize is None and (width, height) != wanted:  # before OpenCV asks for the memory
        raise ImageError(f"is {width}x{height} pixels, not {wanted[0]}x{wanted[1]}")
    if width * height > max(max_pixels, wanted[0] * wanted[1]):
        raise ImageError(
            f"is {width}x{height} pixels, above {max_pixels:,} in all (decode.max_pixels)"
        )
    pixels = decode_unchanged(content)
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 3):
        raise ImageError("has an alpha channel")
    if pixels.dtype != DEPTHS[bits]:
        raise ImageError(f"is of type {pixels.dtype}, not {DEPTHS[bits]} (decode.bits: {bits})")
    if pixels.shape[:2] != (height, width):
        raise ImageError("is not of the size that its header says")
    converted = convert(pixels, shape[2])
    return converted if resize is None else resize_to(converted, shape, resize)


def decode_unchanged(content: bytes) -> NDArray[Any]:
    """Decode an image to grey, BGR or BGRA, as it is stored; raise ImageError if it is damaged."""
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # an empty buffer, or a size above OpenCV's limit
        pixels = None
    if pixels is None:
        np.empty(SPARE, np.uint8)  # raises MemoryError, which OpenCV reports like damage
        raise _undecodable(content)
    return np.asarray(pixels)


def _undecodable(content: bytes) -> ImageError:
    return ImageError(placeholder.described(content) or "cannot be decoded")


def declared_size(content: bytes) -> tuple[int, int]:
    """Return the width and height, in pixels, that an image's header declares.

    Raises
    ------
    ImageError
        If there is no header, or it declares an image that cannot be used.
    """
    return _png_size(content) if content.startswith(PNG) else _other_size(content)


def _png_size(content: bytes) -> tuple[int, int]:
    """Return a PNG's size; Pillow would take longer for it than decoding a small image takes."""
    position, size = len(PNG), None
    while len(content) >= position + 8:
        length, name = struct.unpack_from(">I4s", content, position)
        if name == b"IHDR" and len(content) >= position + 8 + 13:
            *size, _, colour = struct.unpack_from(">IIBB", content, position + 8)
            if colour == 3:
                raise ImageError("has a palette")
        elif name == b"tRNS":
            raise ImageError("has a transparent colour")
        elif name == b"acTL":
            raise ImageError("is animated")
        elif name == b"IDAT":
            break
        position += 12 + length
    if not size:
        raise _undecodable(content)
    return size[0], size[1]


def _other_size(content: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.format == "GIF" or image.mode in ("P", "PA"):
                raise ImageError("has a palette")
            if image.format not in FORMATS:
                raise ImageError(f"is {image.format}, not one of PNG, {', '.join(sorted(FORMATS))}")
            if image.mode in ("CMYK", "LAB", "HSV"):
                raise ImageError(f"is {image.mode}, not RGB or grey")
            if image.format != "MPO" and getattr(image, "is_animated", False):
                raise ImageError("has several frames")
            return image.size
    except (ImageError, MemoryError):
        raise
    except Exception:  # Pillow on damaged bytes: OSError, SyntaxError, struct.error …
        raise _undecodable(content) from None


def convert(pixels: Pixels, channels: int) -> Pixels:
    """Convert grey or BGR pixels to grey or RGB, shape (h, w, ``channels``)."""
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    if channels == 3:
        converted = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if colour else cv2.COLOR_GRAY2RGB)
    else:
        converted = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if colour else pixels
    return np.asarray(converted).reshape(*pixels.shape[:2], channels)
