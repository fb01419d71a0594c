"""Conversion of images that are not plain, RGB or grey of the declared depth, by a policy in words.

Each word allows one conversion. What no word allows is an error, as it is without a policy.
"""

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image, ImageCms

from pipeline.core.params import Section
from pipeline.images.formats import ImageError
from pipeline.images.header import GREY

Pixels = NDArray[Any]
Background = Literal["white", "black"]
BAND = 1 << 22
"""Pixels that are converted at a time, since each conversion is a copy."""
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


class Convert(Section):
    """``decode.convert``: the conversions that are allowed."""

    orientation: Literal["keep", "apply"] = "keep"
    """``apply``: turn and mirror an image as its Exif data say."""
    alpha: Literal["refuse"] | Background = "refuse"
    """Colour behind transparent pixels."""
    palette: Literal["refuse", "rgb"] = "refuse"
    """``rgb``: by the image's own table of colours."""
    cmyk: Literal["refuse", "rgb"] = "refuse"
    """``rgb``: by the image's profile, or without one as 255 minus ink."""
    depth: Literal["refuse", "scale"] = "refuse"
    """``scale``: of 8 and 16 bits, make the one that is not ``decode.bits`` the other."""
    frames: Literal["refuse", "first"] = "refuse"
    """``first``: take the first image of an animation, of pages or of views."""
    truncated: Literal["refuse", "accept"] = "refuse"
    """``accept``: take a JPEG that lacks its end, if nine tenths of its rows are there."""


ALL = Convert(
    orientation="apply",
    alpha="white",
    palette="rgb",
    cmyk="rgb",
    depth="scale",
    frames="first",
    truncated="accept",
)
"""The policy that is proposed for images of unknown make."""


def of_pillow(image: Image.Image) -> Pixels:
    """Return the pixels of an opened image: grey, BGR or BGRA, shape (h, w) or (h, w, c)."""
    if image.mode[0] in "IF":  # 32 bits, integers or not
        return np.asarray(image)
    mode = "RGBA" if image.has_transparency_data else "L" if image.mode in GREY else "RGB"
    image.load()
    if image.palette and image.mode == "P":
        entries = len(image.palette.palette) // len(image.palette.mode)
        if image.getextrema()[1] >= entries:  # type: ignore[operator]
            raise ImageError(f"has colours that its palette of {entries} lacks")
    if image.width * image.height <= BAND:
        return _band(image, mode)
    channels = () if mode == "L" else (len(mode),)
    pixels = np.empty((image.height, image.width, *channels), np.uint8)
    for top, band in _bands(image):
        pixels[top : top + band.height] = _band(band, mode)
    return pixels


def rows_within(image: Image.Image, levels: tuple[int, int]) -> int:
    """Return how many rows of an opened image have no sample below or above these levels."""
    count = 0
    for _, band in _bands(image):
        samples = np.asarray(band).reshape(band.height, -1)
        within = (samples.min(axis=1) >= levels[0]) & (samples.max(axis=1) <= levels[1])
        count += int(within.sum())
    return count


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield the rows of an image some at a time, each with the number of the first."""
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _band(image: Image.Image, mode: str) -> Pixels:
    """Convert an image, or some rows of one, to ``mode`` in OpenCV's order of channels."""
    if image.mode == "CMYK":
        image = _rgb(image)
    elif image.mode == "La":
        image = image.convert("LA")
    pixels = np.asarray(image.convert(mode))
    if mode == "L":
        return pixels
    return np.ascontiguousarray(pixels[..., [2, 1, 0, 3][: pixels.shape[2]]])


def _rgb(image: Image.Image) -> Image.Image:
    """Convert CMYK to RGB by the image's own profile, if it has one that fits."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            rgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, own, rgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None  # a damaged profile, or one of other colours
        if converted:
            return converted
    return image.convert("RGB")


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror an image, shape (h, w) or (h, w, c), as Exif's orientation says."""
    if orientation not in TURNS:
        return pixels
    mirrored, turns = TURNS[orientation]
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, turns))


def opaque(pixels: Pixels, background: Background) -> Pixels:
    """Put BGRA on a background; return BGR, in integers, rounded to the nearest."""
    return _in_bands(pixels, partial(_opaque, background=background), pixels.dtype, 3)


def _opaque(pixels: Pixels, background: Background) -> Pixels:
    top = np.iinfo(pixels.dtype).max
    alpha = cv2.merge([pixels[..., 3]] * 3)
    colours = cv2.multiply(pixels[..., :3], alpha, scale=1 / top)
    if background == "white":
        colours = cv2.add(colours, top - alpha)
    return np.asarray(colours)


def _in_bands(
    pixels: Pixels, convert: Callable[[Pixels], Pixels], dtype: DTypeLike, *channels: int
) -> Pixels:
    """Convert pixels some rows at a time, so that what is between is never large."""
    height, width = pixels.shape[:2]
    rows = max(1, BAND // width)
    if rows >= height:
        return convert(pixels)
    converted = np.empty((height, width, *(channels or pixels.shape[2:])), dtype)
    for top in range(0, height, rows):
        converted[top : top + rows] = convert(pixels[top : top + rows])
    return converted


def to_depth(pixels: Pixels, bits: int) -> Pixels:
    """Scale uint8 or uint16 to 8 or 16 bits, so that the maximum stays the maximum.

    Examples
    --------
    >>> to_depth(np.uint16([[0, 128, 129, 65535]]), 8).tolist()
    [[0, 0, 1, 255]]
    >>> to_depth(np.uint8([[0, 1, 255]]), 16).tolist()
    [[0, 257, 65535]]
    """
    if pixels.dtype.itemsize * 8 == bits:
        return pixels
    if bits == 16:
        return pixels.astype(np.uint16) * np.uint16(257)
    return _in_bands(pixels, _to_8, np.uint8)


def _to_8(pixels: Pixels) -> Pixels:
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def scaled(pixels: Pixels, maximum: int) -> Pixels:
    """Scale uint8 or uint16, of which ``maximum`` is the greatest, to their type's own greatest.

    Examples
    --------
    >>> scaled(np.uint8([0, 1, 3]), 3).tolist()
    [0, 85, 255]
    """
    top = np.iinfo(pixels.dtype).max
    table = np.rint(np.arange(maximum + 1) * (top / maximum)).astype(pixels.dtype)
    return np.asarray(table[pixels])


def to_channels(pixels: Pixels, channels: int) -> Pixels:
    """Convert grey or BGR pixels to grey or RGB, shape (h, w, ``channels``)."""
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    if channels == 3:
        converted = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if colour else cv2.COLOR_GRAY2RGB)
    else:
        converted = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if colour else pixels
    return np.asarray(converted).reshape(*pixels.shape[:2], channels)
