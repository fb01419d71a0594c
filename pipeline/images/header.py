"""Headers of images: what is known before anything is decoded."""

import struct
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from PIL import ExifTags, Image, TiffImagePlugin

from pipeline.images import containers, jpeg, png
from pipeline.images.formats import ImageError, opened, undecodable

PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
"""Pillow's modes by PNG's numbers of the types of colour."""
TURNED_BY_EXIF = {"AVIF", "JPEG", "MPO", "WEBP"}
"""Formats beside PNG that are decoded as they are stored. Decoders turn TIFF and HEIC."""
GREY = ("1", "L", "LA", "La")
TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBX", "RGBa")
"""Pillow's modes with a channel beyond grey or RGB."""


class Header(NamedTuple):
    """The properties that an image's header declares."""

    format: str
    """Pillow's name."""
    width: int
    """In pixels, as it is decoded, before Exif's turn."""
    height: int
    mode: str
    """Pillow's name of the kind of pixels, as ``L``, ``P``, ``RGBA`` or ``CMYK``."""
    bits: int
    """Of a channel, 8 where there are fewer; of colours in PPM and JPEG 2000, 8 at least."""
    has_alpha: bool = False
    """It has an alpha channel or a transparent colour."""
    has_frames: bool = False
    """It has several images: an animation, pages, views."""
    orientation: int = 1
    """In its Exif data or XMP, 1 to 8; 1 as well if there is none, or it was not read."""
    lacks: int = 0
    """Bits of a JPEG's coefficients that are in no scan: 0 if it is whole."""
    picture: bytes = b""
    """The image without what decoders need not see; empty if there is nothing of that kind."""

    @classmethod
    def read(cls, content: bytes, *, orientation: bool = False) -> "Header":
        """Read an encoded image's header, and its orientation if that is asked for.

        Raises
        ------
        ImageError
            If there is none, or none of an image that could be converted to RGB or grey.
        """
        if content.startswith(png.SIGNATURE):
            return _png(content, orientation)
        read = _jpeg if content.startswith(jpeg.START) else _other
        return read(content, orientation)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, after the turn."""
        size = self.width, self.height
        return size[::-1] if self.orientation > 4 else size

    @property
    def channels(self) -> int:
        """Number of channels without alpha: 1 (grey) or 3 (colour)."""
        return 1 if self.mode in GREY or self.mode[0] in "IF" else 3

    @property
    def has_palette(self) -> bool:
        """True if pixels are numbers of colours; those of a GIF always are."""
        return self.mode in ("P", "PA") or self.format == "GIF"


@lru_cache
def of_plain_png(header: bytes) -> Header | None:
    """Return the header of a PNG by its own 13 bytes; None if they declare no image."""
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    if not width or not height or colour not in PNG_MODES:
        return None
    return Header("PNG", width, height, PNG_MODES[colour], max(8, depth), colour in (4, 6))


def _png(content: bytes, orientation: bool) -> Header:
    """Return a PNG's header; Pillow would take longer for it than decoding a small image takes."""
    container = png.read(content)
    plain = container and of_plain_png(container.header)
    if not container or not plain:
        raise undecodable(content)
    if container.is_animated and plain.bits == 16:
        raise ImageError("is an animation of 16 bits, which is not read")
    turn = 1
    if orientation and container.tags:
        with suppress(ImageError), opened(container.tags) as image:
            turn = _orientation(image)
    return plain._replace(
        has_alpha=plain.has_alpha or container.is_transparent,
        has_frames=container.is_animated,
        orientation=turn,
        picture=container.picture,
    )


def _jpeg(content: bytes, orientation: bool) -> Header:
    """Return a JPEG's header; Pillow is asked only about tags and other images in it."""
    try:
        frame = jpeg.read(content)
        lacks = jpeg.missing_bits(content, frame)
    except jpeg.UnusualError as unusual:
        raise ImageError(str(unusual)) if str(unusual) else undecodable(content) from None
    name, frames, turn = "JPEG", False, 1
    if frame.has_views or (orientation and frame.has_tags):
        with opened(content) as image:
            name, frames = image.format or name, bool(getattr(image, "is_animated", False))
            turn = _orientation(image) if orientation else 1
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[len(frame.components)]
    return Header(name, frame.width, frame.height, mode, 8, False, frames, turn, lacks)


def _other(content: bytes, orientation: bool) -> Header:
    fault = containers.fault(content)
    if fault is not None:
        raise ImageError(fault) if fault else undecodable(content)
    with opened(content) as image:
        name = image.format or ""
        if image.mode in ("LAB", "HSV"):
            raise ImageError(f"is {image.mode}, not RGB or grey")
        bits = 16 if image.mode.startswith("I") else 8
        if isinstance(image, TiffImagePlugin.TiffImageFile):  # Pillow's mode of 16 bits is RGB too
            bits = max(8, *image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (8,)))
        return Header(
            name,
            *image.size,
            image.mode,
            bits,
            image.mode in TRANSPARENT or image.has_transparency_data,
            bool(getattr(image, "is_animated", False)),
            _orientation(image) if orientation and name in TURNED_BY_EXIF else 1,
        )


def _orientation(image: Image.Image) -> int:
    try:  # PNG's own method would decode the pixels, in search of tags behind them
        found = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
    except MemoryError:
        raise
    except Exception:  # damaged tags, which spoil no pixel
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1
