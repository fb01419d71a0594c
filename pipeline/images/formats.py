"""Formats of images: their names, suffixes, and the opening of a file by its content.

A name's suffix only says that a file is wanted. What it is, its content says.
"""

import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import cv2
from PIL import Image

from pipeline.images import placeholder

PNG = b"\x89PNG\r\n\x1a\n"
FORMATS = {
    *("AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"),
}
"""Formats by Pillow's names; MPO is a JPEG with other images behind it, HEIF is Apple's HEIC."""
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".mpo", ".avif", ".heic", ".heif", ".jp2", ".j2k"),
)
"""Suffixes of the names of such files, in lower case."""
HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of HEIF files, which follow ``ftyp``; AVIF has brands of its own."""

# Pillow would warn of many pixels from a number of its own, and refuse twice as many. Here every
# size is compared with ``max_pixels`` when the header is read, before anything is decoded.
Image.MAX_IMAGE_PIXELS = None
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # faults are errors of ours
warnings.filterwarnings("ignore", module=r"PIL\.")  # of odd metadata, which are not used


class ImageError(Exception):
    """An image that cannot be used; the message says why, in a few words."""


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """Open an encoded image with Pillow, which reads no more than its header.

    Raises
    ------
    ImageError
        If it is damaged, here or in the body, or of no known format.
    """
    if _is_heif(content):
        _register_heif()
    try:
        with Image.open(io.BytesIO(content)) as image:
            yield image
    except (ImageError, MemoryError):
        raise
    except Exception:  # a foreign parser on foreign bytes: OSError, SyntaxError, struct.error …
        raise undecodable(content) from None


def undecodable(content: bytes) -> ImageError:
    """Return the error of an image that cannot be decoded; it names what is none at all."""
    if _is_heif(content) and not _register_heif():
        return ImageError("is HEIC; save it as JPEG, or have it read: pip install '.[heic]'")
    return ImageError(placeholder.described(content) or "cannot be decoded")


def _is_heif(content: bytes) -> bool:
    return content[4:8] == b"ftyp" and content[8:12] in HEIF


@cache
def _register_heif() -> bool:
    """Make Pillow open HEIC, and return True, if the library for it is installed."""
    try:
        library = importlib.import_module("pillow_heif")
    except ImportError:
        return False
    library.register_heif_opener(thumbnails=False)
    return True
