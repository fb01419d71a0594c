"""Adaptation: any image as the float32 image that a model takes, with a list of its changes.

An image that the ``decode`` stage takes is decoded exactly as there. Any other, which would be a
fault there, is converted here, and the change is named: a palette is expanded, alpha put on a plain
background, Exif's orientation applied, colour turned to grey (ITU-R BT.601) or grey to equal
channels, another size resized as in ``images.resize``, and 8 and 16 bits divided by their own
maximum.
"""

import io
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from pipeline.images import decode
from pipeline.images.decode import ImageError
from pipeline.images.resize import Resize, resize_to

Background = Literal["black", "white"]
FORMATS = decode.FORMATS | {"GIF", "PNG"}
TURNS: dict[int, tuple[bool, int]] = {
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}
"""By Exif's orientation: True to mirror first, and the quarter turns, counter-clockwise."""

TURNED = "turned as Exif says"
EXPANDED = "palette expanded"
FIRST = "several frames, of which the first is taken"
TRANSPARENT = "transparent, put on {}"
DEPTH = "of {} bits"
RESIZED = "of another size ({})"
GREYED = "in colour, made grey"

Pixels = NDArray[Any]


class Adapted(NamedTuple):
    """An image for a model."""

    pixels: NDArray[np.float32]
    """In [0, 1], shape (height, width, channels)."""
    width: int
    """Of the image before it was resized, after Exif's turn, in pixels."""
    height: int
    changes: tuple[str, ...] = ()
    """The conversions beyond those of ``decode``."""


class Adapter(NamedTuple):
    """The way in which images are adapted, as a function of the encoded image.

    Examples
    --------
    >>> grey = cv2.imencode(".png", np.uint8([[0, 255], [255, 0]]))[1].tobytes()
    >>> image = Adapter((1, 1, 1))(grey)
    >>> image.pixels.tolist(), image.changes
    ([[[0.501960813999176]]], ('of another size (stretch)',))
    """

    shape: tuple[int, int, int]
    """Height, width and channels that the model takes: 1 (grey) or 3 (RGB)."""
    bits: int = 8
    """Depth of the images that it was trained on."""
    declared: Resize | None = None
    """The dataset's ``decode.resize``; with it, a resized image is no change to be named."""
    resize: Resize = "stretch"
    """The way of resizing where the dataset has none."""
    background: Background = "black"
    """Colour behind transparent pixels."""
    invert: bool = False
    """Exchange dark and light, for drawings on white where training images are on black."""

    def __call__(self, content: bytes) -> Adapted:
        """Decode and adapt an encoded image.

        Raises
        ------
        ImageError
            If it cannot be decoded, or no conversion makes sense, as of CMYK.
        """
        try:
            pixels = decode.decode(content, self.shape, self.bits, self.declared)
            width, height = decode.declared_size(content)
        except ImageError:
            return self._converted(content)
        changes = [GREYED] if self.shape[2] == 1 and _is_colour(content) else []
        return self._normalized(pixels, width, height, changes)

    def of_array(self, pixels: Pixels) -> Adapted:
        """Adapt a decoded image, uint8 or uint16: (height, width), or with 1 channel or RGB."""
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        if pixels.shape[2] == 3:
            pixels = pixels[..., ::-1]
        return self._fitted(np.ascontiguousarray(pixels), [])

    def _converted(self, content: bytes) -> Adapted:
        header = _Header.read(content)
        pixels = header.decode(content)
        changes = [
            change
            for change, is_so in (
                (FIRST, header.is_animated),
                (EXPANDED, header.mode in ("P", "PA")),
            )
            if is_so
        ]
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        if header.orientation in TURNS:
            mirrored, turns = TURNS[header.orientation]
            pixels = np.rot90(pixels[:, ::-1] if mirrored else pixels, turns)
            changes.append(TURNED)
        if pixels.shape[2] == 4:
            pixels = self._opaque(np.ascontiguousarray(pixels))
            changes.append(TRANSPARENT.format(self.background))
        return self._fitted(np.ascontiguousarray(pixels), changes)

    def _opaque(self, pixels: Pixels) -> Pixels:
        """Return BGRA as BGR on the background, in integers, rounded to the nearest."""
        top = np.iinfo(pixels.dtype).max
        alpha = cv2.merge([pixels[..., 3]] * 3)
        colours = cv2.multiply(pixels[..., :3], alpha, scale=1 / top)
        if self.background == "white":
            colours = cv2.add(colours, top - alpha)
        return np.asarray(colours)

    def _fitted(self, pixels: Pixels, changes: list[str]) -> Adapted:
        """Convert the colours of grey or BGR, (h, w, 1 or 3), and the size."""
        height, width, channels = pixels.shape
        bits = pixels.dtype.itemsize * 8
        if bits != self.bits:
            changes.append(DEPTH.format(bits))
        if channels == 3 and self.shape[2] == 1:
            changes.append(GREYED)
        pixels = decode.convert(pixels, self.shape[2])
        if (height, width) != self.shape[:2] and not self.declared:
            changes.append(RESIZED.format(self.resize))
        pixels = resize_to(pixels, self.shape, self.declared or self.resize)
        return self._normalized(pixels, width, height, changes)

    def _normalized(self, pixels: Pixels, width: int, height: int, changes: list[str]) -> Adapted:
        top = np.float32(np.iinfo(pixels.dtype).max)
        normalized = np.divide(pixels, top, dtype=np.float32)
        if self.invert:
            normalized = 1 - normalized
        return Adapted(normalized, width, height, tuple(changes))


class _Header(NamedTuple):
    """The properties of an image that are known before it is decoded."""

    format: str
    mode: str
    width: int
    height: int
    orientation: int
    is_animated: bool

    @classmethod
    def read(cls, content: bytes) -> "_Header":
        try:
            with Image.open(io.BytesIO(content)) as image:
                header = cls(
                    image.format or "",
                    image.mode,
                    *image.size,
                    _orientation(image),
                    # A second image in an MPO is a preview or another view.
                    image.format != "MPO" and getattr(image, "is_animated", False),
                )
        except MemoryError:
            raise
        except Exception:  # a foreign parser on foreign bytes: OSError, SyntaxError, struct.error …
            raise ImageError("cannot be decoded") from None
        if header.format not in FORMATS:
            raise ImageError(f"is {header.format}, not one of {', '.join(sorted(FORMATS))}")
        if header.mode in ("CMYK", "LAB", "HSV"):
            raise ImageError(f"is {header.mode}, not RGB or grey; save it as RGB")
        if header.width * header.height > decode.MAX_PIXELS:
            size = f"{header.width}x{header.height}"
            raise ImageError(f"is {size} pixels, above {decode.MAX_PIXELS:,}; make it smaller")
        return header

    def decode(self, content: bytes) -> Pixels:
        """Return grey, BGR or BGRA, uint8 or uint16, in the orientation in which it is stored."""
        if self.format == "TIFF" and self.mode == "RGBA":  # OpenCV multiplies its colours by alpha
            try:
                with Image.open(io.BytesIO(content)) as image:
                    return np.asarray(image)[..., [2, 1, 0, 3]]
            except (OSError, ValueError):
                raise ImageError("cannot be decoded") from None
        pixels = decode.decode_unchanged(content)
        if pixels.dtype not in (np.uint8, np.uint16):
            raise ImageError(f"is of type {pixels.dtype}, not of 8 or 16 bits")
        if pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4):
            raise ImageError(f"has {pixels.shape[2]} channels")
        return pixels


def _orientation(image: Image.Image) -> int:
    """Return Exif's orientation, or 1; behind a PNG's pixels Pillow would have to decode them."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _is_colour(content: bytes) -> bool:
    """Tell if an image that can be decoded has colours."""
    if content.startswith(decode.PNG):
        return content[len(decode.PNG) + 17] == 2
    with Image.open(io.BytesIO(content)) as image:
        return image.mode not in ("1", "L") and not image.mode.startswith("I")
