"""Encoded images: one PNG, JPEG … as an array of its own depth, RGB or grey.

OpenCV's own conversions are silent: ``IMREAD_COLOR`` turns 16 bits into 8, drops alpha, expands
palettes and applies EXIF rotation. So an image is decoded unchanged, in the orientation in which it
is stored, and what differs from the declaration is a fault; only the order of channels (OpenCV's is
BGR) and the number of colours are converted, on purpose, and the size where that is asked for.
"""

import io
import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.images.resize import Fit, fit

PNG = b"\x89PNG\r\n\x1a\n"
FORMATS = {"BMP", "JPEG", "MPO", "PPM", "TIFF", "WEBP"}
"""Beside PNG, as Pillow calls them; MPO is a JPEG with another image behind it."""
MAX_PIXELS = 50_000_000
"""Of an image that is fitted: so many are decoded, whatever its header declares."""
SPARE = 64 << 20
"""Where memory for so many bytes is left, an image is not undecodable for want of it."""
DEPTHS = {8: np.dtype(np.uint8), 16: np.dtype(np.uint16)}

Image.MAX_IMAGE_PIXELS = None  # only headers are read, and their sizes compared
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a fault is told by us, once

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


class ImageError(Exception):
    """Why an image cannot be used, in a few words."""


def decode(
    content: bytes,
    shape: tuple[int, int, int],
    bits: int,
    resize: Fit | None = None,
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
        How an image of another size is brought to that of ``shape``; without it, that is a fault.
    max_pixels : int
        With ``resize``, the most (width times height) that an image may declare.

    Returns
    -------
    ndarray
        uint8 or uint16, of ``shape``.

    Raises
    ------
    ImageError
        If it cannot be decoded, has a palette, alpha, several frames, or another size or depth.
    """
    found, wanted = declared_size(content), (shape[1], shape[0])
    if resize is None and found != wanted:  # before OpenCV asks for the memory
        raise ImageError(f"is {found[0]}x{found[1]} pixels, not {wanted[0]}x{wanted[1]}")
    if found[0] * found[1] > max(max_pixels, wanted[0] * wanted[1]):
        raise ImageError(
            f"is {found[0]}x{found[1]} pixels, above {max_pixels:,} in all (decode.max_pixels)"
        )
    pixels = decode_unchanged(content)
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 3):
        raise ImageError("has an alpha channel")
    if pixels.dtype != DEPTHS[bits]:
        raise ImageError(f"is of type {pixels.dtype}, not {DEPTHS[bits]} (decode.bits: {bits})")
    if pixels.shape[1::-1] != found:
        raise ImageError("is not of the size that its header says")
    converted = convert(pixels, shape[2])
    return converted if resize is None else fit(converted, shape, resize)


def decode_unchanged(content: bytes) -> NDArray[Any]:
    """Decode an image to whatever it is: grey, BGR or BGRA; raises ImageError if it cannot be."""
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # an empty buffer, or a size above OpenCV's limit
        pixels = None
    if pixels is None:
        np.empty(SPARE, np.uint8)  # or MemoryError, which OpenCV would not tell from damage
        raise ImageError("cannot be decoded")
    return np.asarray(pixels)


def declared_size(content: bytes) -> tuple[int, int]:
    """Width and height, in pixels, that an image's header declares.

    Raises
    ------
    ImageError
        If the header says that the image cannot be used, or there is none.
    """
    return _png_size(content) if content.startswith(PNG) else _other_size(content)


def _png_size(content: bytes) -> tuple[int, int]:
    """Of a PNG; read here, since Pillow would take longer than decoding a small one."""
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
        raise ImageError("cannot be decoded")
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
    except Exception:  # a foreign parser on foreign bytes: OSError, SyntaxError, struct.error …
        raise ImageError("cannot be decoded") from None


def convert(pixels: Pixels, channels: int) -> Pixels:
    """Grey or BGR as grey or RGB, shape (h, w, ``channels``)."""
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    if channels == 3:
        converted = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if colour else cv2.COLOR_GRAY2RGB)
    else:
        converted = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if colour else pixels
    return np.asarray(converted).reshape(*pixels.shape[:2], channels)
