"""Formats of images: their names, suffixes, and the opening of a file by its content.

A name's suffix only says that a file is wanted. What it is, its content says, and the decoder of
that format alone sees it.
"""

import importlib
import io
import logging
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import cv2
from PIL import Image

from pipeline.images import placeholder

FORMATS = {
    *("AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"),
}
"""Formats by Pillow's names; MPO is a JPEG with other images behind it, HEIF is Apple's HEIC."""
BEGINNINGS = (
    (rb"\x89PNG\r\n\x1a\n", ("PNG",)),
    (rb"\xff\xd8\xff", ("JPEG",)),
    (rb"GIF8[79]a", ("GIF",)),
    (rb"BM", ("BMP",)),
    (rb"II[*+]\0|MM\0[*+]", ("TIFF",)),
    (rb"RIFF.{4}WEBP", ("WEBP",)),
    (rb"P[1-6]\s", ("PPM",)),
    (rb"\0\0\0\x0cjP {2}\r\n\x87\n|\xff\x4f\xff\x51", ("JPEG2000",)),
    (rb".{4}ftyp", ("AVIF", "HEIF")),
)
"""Patterns of the first bytes, and the formats that they may be."""
KNOWN = tuple((re.compile(pattern, re.DOTALL), names) for pattern, names in BEGINNINGS)
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".mpo", ".avif", ".heic", ".heif", ".jp2", ".j2k"),
)
"""Suffixes of the names of such files, in lower case."""
TIFF_COMPRESSION, TIFF_ZLIB = 259, (8, 32946)
"""TIFF's tag of how pieces are compressed, and zlib's numbers."""
TIFF_PIECES = (273, 279), (324, 325)
"""Tags of where strips and tiles begin, and of their lengths."""
MOST_UNPACKED = 1 << 28
"""Bytes that these may hold beyond the image's own."""
CHUNK = 1 << 20
HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of HEIF files, which follow ``ftyp``; AVIF has brands of its own."""

# Pillow would warn of many pixels from a number of its own, and refuse twice as many. Here every
# size is compared with ``max_pixels`` when the header is read, before anything is decoded.
Image.MAX_IMAGE_PIXELS = None
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # faults are errors of ours
warnings.filterwarnings("ignore", module=r"PIL\.")  # of odd metadata, which are not used
logging.getLogger("PIL").addHandler(logging.NullHandler())
logging.getLogger("PIL").propagate = False


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
    names = _possible(content)
    if not names:
        raise undecodable(content)
    if "HEIF" in names and not _register_heif():
        names = names[:1]
    try:
        with Image.open(io.BytesIO(content), formats=names) as image:
            yield image
    except (ImageError, MemoryError):
        raise
    except Exception:  # a foreign parser on foreign bytes: OSError, SyntaxError, struct.error …
        raise undecodable(content) from None


def check_pieces(content: bytes) -> None:
    """Raise ImageError if a strip or tile of a TIFF is damaged, which OpenCV leaves black.

    No library looks at the checksums of those that zlib compressed.
    """
    with opened(content) as image:
        image.load()
        tags = getattr(image, "tag_v2", {})
        if tags.get(TIFF_COMPRESSION) not in TIFF_ZLIB:
            return
        left = MOST_UNPACKED + 4 * image.width * image.height
        for starts, lengths in TIFF_PIECES:
            for start, length in zip(tags.get(starts, ()), tags.get(lengths, ()), strict=False):
                stream, packed = zlib.decompressobj(), content[start : start + length]
                while not stream.eof:
                    unpacked = len(stream.decompress(packed, CHUNK))
                    packed, left = stream.unconsumed_tail, left - unpacked
                    if left < 0 or not (unpacked or packed):
                        raise undecodable(content)


def undecodable(content: bytes) -> ImageError:
    """Return the error of an image that cannot be decoded; it names what is none at all."""
    if _is_heif(content) and not _register_heif():
        return ImageError("is HEIC; save it as JPEG, or have it read: pip install '.[heic]'")
    if not _possible(content) and (name := _other(content)):
        return ImageError(f"is {name}, not one of {', '.join(sorted(FORMATS))}")
    return ImageError(placeholder.described(content) or "cannot be decoded")


def _possible(content: bytes) -> tuple[str, ...]:
    """Return the formats of ours that the first bytes speak for."""
    start = content[:16]
    return next((names for pattern, names in KNOWN if pattern.match(start)), ())


def _other(content: bytes) -> str:
    """Return the name of another format for which the first bytes speak, which is not opened."""
    Image.init()
    for name in Image.ID:
        accepts = Image.OPEN[name][1]
        with suppress(IndexError, struct.error):  # where there are fewer bytes
            if name not in FORMATS and accepts and accepts(content[:16]) is True:
                return name
    return ""


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
