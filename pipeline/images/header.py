"""Headers of images: what is known before anything is decoded."""

import struct
from typing import NamedTuple

from PIL import ExifTags, Image, TiffImagePlugin

from pipeline.images.formats import FORMATS, PNG, ImageError, opened, undecodable

PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
"""Pillow's modes by PNG's numbers of the types of colour."""
PNG_TAGS = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")
"""PNG's chunks that may hold an orientation: as Exif data, or as XMP or a profile in a text."""
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

    @classmethod
    def read(cls, content: bytes, *, orientation: bool = False) -> "Header":
        """Read an encoded image's header, and its orientation if that is asked for.

        Raises
        ------
        ImageError
            If there is none, or none of an image that could be converted to RGB or grey.
        """
        read = _png if content.startswith(PNG) else _other
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


def _png(content: bytes, orientation: bool) -> Header:
    """Return a PNG's header; Pillow would take longer for it than decoding a small image takes."""
    position, width, height, depth, colour = len(PNG), 0, 0, 8, 0
    is_transparent = is_animated = has_tags = False
    while len(content) >= position + 8:
        length, name = struct.unpack_from(">I4s", content, position)
        if name == b"IHDR" and len(content) >= position + 8 + 13:
            width, height, depth, colour = struct.unpack_from(">IIBB", content, position + 8)
        elif name == b"tRNS":
            is_transparent = True
        elif name == b"acTL":
            is_animated = True
        elif name in PNG_TAGS:
            has_tags = True
        elif name == b"IDAT":
            break
        position += 12 + length
    if not width or not height or colour not in PNG_MODES:
        raise undecodable(content)
    is_transparent |= colour in (4, 6)
    mode = PNG_MODES[colour]
    turn = 1
    if orientation and has_tags:
        try:
            with opened(content) as image:
                turn = _orientation(image)
        except ImageError:  # tags that only Pillow cannot read
            pass
    return Header("PNG", width, height, mode, max(8, depth), is_transparent, is_animated, turn)


def _other(content: bytes, orientation: bool) -> Header:
    with opened(content) as image:
        name = image.format or ""
        if name not in FORMATS:
            raise ImageError(f"is {name}, not one of {', '.join(sorted(FORMATS))}")
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
