"""Decoding of an image, such as a PNG or a JPEG, to an array of its own depth, RGB or grey.

OpenCV converts silently: ``IMREAD_COLOR`` turns 16 bits into 8, drops alpha, expands palettes and
applies EXIF rotation. So an image is decoded unchanged, in the orientation in which it is stored,
and a depth, size or kind of pixel that was not declared is an error. Only three things are
converted without a word in the policy (``convert.Convert``): the order of channels, from OpenCV's
BGR; grey to RGB or back; and the size, if the parameters say so. What is not plain, and formats
of which OpenCV's reading depends on more than the file, are decoded by Pillow.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import limits
from pipeline.images import containers, jpeg, png, truncated
from pipeline.images import convert as conversion
from pipeline.images.convert import Convert
from pipeline.images.formats import ImageError, check_pieces, opened, undecodable
from pipeline.images.header import Header, of_plain_png
from pipeline.images.quiet import libraries
from pipeline.images.resize import Resize, resize_to

MAX_PIXELS = 50_000_000
"""The most pixels, width times height, that are decoded of an image to be resized."""
FEWER_PIXELS = 25_000_000
"""The most of formats whose libraries hold many copies: AVIF, JPEG 2000, animations in WebP."""
SPARE = 64 << 20
"""Bytes of memory with which OpenCV can decode an image, if it is not damaged."""
DEPTHS = {8: np.dtype(np.uint8), 16: np.dtype(np.uint16)}
MORE = "has data of more pixels than its header says"

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


class NotAllowedError(ImageError):
    """An image that a word of the policy would allow."""

    def __init__(self, reason: str, word: str) -> None:
        super().__init__(reason)
        self.word = word
        """The field of ``Convert``."""


class Plan(NamedTuple):
    """What a header says of an image that the policy allows."""

    header: Header
    """With the orientation, if the policy applies it."""
    words: tuple[str, ...]
    """The words of the policy that the image needs."""


class Decoded(NamedTuple):
    """An image as the shards have it."""

    pixels: Pixels
    """Of the declared shape and depth."""
    plan: Plan
    words: tuple[str, ...]
    """The words of the policy by which it was converted."""


def decode(
    content: bytes,
    shape: tuple[int, int, int],
    bits: int,
    resize: Resize | None = None,
    max_pixels: int = MAX_PIXELS,
    convert: Convert | None = None,
) -> Pixels:
    """Decode an image to ``shape``, uint8 or uint16; see ``decoded``, which tells more."""
    return decoded(content, shape, bits, resize, max_pixels, convert).pixels


def decoded(
    content: bytes,
    shape: tuple[int, int, int],
    bits: int,
    resize: Resize | None = None,
    max_pixels: int = MAX_PIXELS,
    convert: Convert | None = None,
) -> Decoded:
    """Decode an image, and tell how it was converted.

    Parameters
    ----------
    content : bytes
        The encoded image, of one of ``formats.FORMATS``.
    shape : tuple of int
        Height, width and channels that it must have: 1 (grey) or 3 (RGB). A grey image becomes RGB
        and a colour image grey (OpenCV's ITU-R BT.601 weights) where the other is declared.
    bits : int
        The depth that it must have: 8 or 16 bits a channel.
    resize : {"stretch", "crop", "pad"}, optional
        How an image of another size is resized to ``shape``; without it, another size is refused.
    max_pixels : int
        With ``resize``, the most (width times height) that an image may declare.
    convert : Convert, optional
        The conversions that are allowed; without it, none.

    Raises
    ------
    ImageError
        If the image cannot be decoded, has another size, or needs a conversion that is not allowed:
        it has a palette, alpha, several frames, or another depth.
    """
    plan = examine(content, convert)
    if resize is not None or plan.header.size != (shape[1], shape[0]):
        _check_size(plan, shape, resize, max_pixels)
    with limits.ROOM.of(plan.header.width * plan.header.height):
        pixels, words = plain(content, plan, convert)
        if pixels.dtype != DEPTHS[bits]:
            reason = f"is of type {pixels.dtype}, not {DEPTHS[bits]} (decode.bits: {bits})"
            if pixels.dtype not in DEPTHS.values():
                raise ImageError(reason)
            if not convert or convert.depth == "refuse":
                raise NotAllowedError(reason, "depth")
            pixels, words = conversion.to_depth(pixels, bits), (*words, "depth")
        pixels = conversion.to_channels(pixels, shape[2])
        return Decoded(pixels if resize is None else resize_to(pixels, shape, resize), plan, words)


def examine(content: bytes, convert: Convert | None) -> Plan:
    """Read an image's header, and return what the policy makes of it.

    Raises
    ------
    ImageError
        If there is no header, or the policy does not allow such an image.
    """
    declared = png.plain(content)  # most images are such ones, small, and decoded in microseconds
    if declared and (known := _plan_of_png(declared)):
        return known
    turns = convert is not None and convert.orientation == "apply"
    header, words = Header.read(content, orientation=turns), []
    for word, reason in _needs(header):
        if convert is None and header.format == "MPO":
            continue  # without a policy it is a JPEG: the other images are previews or views
        if convert is None or getattr(convert, word) == "refuse":
            raise NotAllowedError(reason, word)
        words.append(word)
    if header.orientation != 1:
        words.append("orientation")
    if header.width * header.height > FEWER_PIXELS and (
        header.format in ("AVIF", "JPEG2000") or (header.format == "WEBP" and header.has_frames)
    ):
        size = f"{header.width}x{header.height}"
        raise ImageError(f"is {size} pixels, above {FEWER_PIXELS:,} in all of its format")
    return Plan(header, tuple(words))


@lru_cache
def _plan_of_png(declared: bytes) -> Plan | None:
    """Return the plan of a PNG of a header and pixels alone; None if it depends on the policy."""
    header = of_plain_png(declared)
    return None if header is None or _needs(header) else Plan(header, ())


def _needs(header: Header) -> list[tuple[str, str]]:
    """Return the words of the policy that an image needs by its header, with the reasons."""
    needs = []
    if header.has_palette:
        needs.append(("palette", "has a palette"))
    if header.has_alpha:
        is_channel = "A" in header.mode.upper() or header.mode == "RGBX"
        what = "an alpha channel" if is_channel else "a transparent colour"
        needs.append(("alpha", f"has {what}"))
    if header.mode == "CMYK":
        needs.append(("cmyk", "is CMYK, not RGB or grey"))
    if header.has_frames:
        needs.append(("frames", "is animated" if header.format == "PNG" else "has several frames"))
    return needs


def _check_size(
    plan: Plan, shape: tuple[int, int, int], resize: Resize | None, max_pixels: int
) -> None:
    """Raise ImageError over a size that is not declared, before memory is asked for."""
    (width, height), wanted = plan.header.size, (shape[1], shape[0])
    if resize is None and (width, height) != wanted:
        raise ImageError(f"is {width}x{height} pixels, not {wanted[0]}x{wanted[1]}")
    if width * height > max(max_pixels, wanted[0] * wanted[1]):
        raise ImageError(
            f"is {width}x{height} pixels, above {max_pixels:,} in all (decode.max_pixels)"
        )


def plain(
    content: bytes, plan: Plan, convert: Convert | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Decode an image, and convert all but its depth, colours and size.

    Returns
    -------
    ndarray
        Grey or BGR, of the size and depth that it has.
    tuple of str
        The words of the policy by which it was converted.

    Raises
    ------
    ImageError
        If it is damaged.
    """
    if not libraries.users:
        with libraries:
            return plain(content, plan, convert)
    header, words = plan.header, plan.words
    is_jpeg = header.format in ("JPEG", "MPO")
    try:
        pixels = _stored(content, plan)
    except ImageError:
        if not is_jpeg or truncated.has_end(content):
            raise
        is_truncated = True
    else:
        is_truncated = is_jpeg and _is_truncated(content, header, pixels)
    if is_truncated:
        if not convert or convert.truncated == "refuse":
            raise NotAllowedError("cannot be decoded, for it ends too early", "truncated")
        pixels, words = truncated.decode(content, header.lacks), (*words, "truncated")
    if pixels.shape[:2] != (header.height, header.width):
        raise ImageError("is not of the size that its header says")
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if "alpha" in words and header.bits == 16 and channels < 4:  # 16 bits, as OpenCV reads them
        raise ImageError("has a transparent colour of 16 bits, which cannot be read")
    if channels == 4 and convert and convert.alpha != "refuse":
        pixels, channels = conversion.opaque(pixels, convert.alpha), 3
    if channels not in (1, 3):
        raise NotAllowedError("has an alpha channel", "alpha")
    return conversion.turned(pixels, plan.header.orientation), words


def _stored(content: bytes, plan: Plan) -> NDArray[Any]:
    """Decode an image to grey, BGR or BGRA, as it is stored."""
    header = plan.header
    content = header.picture or content
    # OpenCV has several ways to read one AVIF, of 8 bits or more. It drops TIFF's alpha, or
    # multiplies colours by it, and shows another image of a PNG that has one beside its animation.
    by_pillow = header.format in ("AVIF", "GIF", "HEIF") or header.mode == "CMYK"
    if plan.words and header.bits == 8 and header.format != "MPO":
        by_pillow |= plan.words != ("orientation",)
    if by_pillow:
        with opened(content) as image:
            pixels = conversion.of_pillow(image)
    else:
        if header.format == "TIFF" and header.bits == 8:
            check_pieces(content)
        pixels = decode_unchanged(content)
    may_have_more = header.format == "PNG" and (by_pillow or libraries.may_have_spoken())
    if may_have_more and png.has_more(content):
        raise ImageError(MORE)
    return _scaled(pixels, content) if header.format == "PPM" else pixels


def _scaled(pixels: NDArray[Any], content: bytes) -> NDArray[Any]:
    """Scale a PNM's pixels by the maximum that it declares, where OpenCV does not."""
    maximum, top = containers.maximum(content), int(np.iinfo(pixels.dtype).max)
    if maximum == top or content[1:2] in b"14" or (content[1:2] in b"23" and top == 255):
        return pixels
    if pixels.max() > maximum:
        raise ImageError("has values above the maximum that it declares")
    return conversion.scaled(pixels, maximum)


def _is_truncated(content: bytes, header: Header, pixels: NDArray[Any]) -> bool:
    """Return True if a JPEG's data end before its picture does, though an end mark follows.

    libjpeg warns of that, on standard error, and of more data than the picture takes: what makes it
    speak is decoded twice more, with other data there.
    """
    if header.lacks:
        return True
    if header.mode == "CMYK":
        pixels = decode_unchanged(content)  # Pillow hushes libjpeg
    if not libraries.may_have_spoken():
        return False
    frame = jpeg.read(content)
    if jpeg.ends_early(content, frame, pixels, decode_unchanged):
        return True
    if jpeg.has_more(content, frame, pixels, decode_unchanged):
        raise ImageError(MORE)
    return False


def decode_unchanged(content: bytes) -> NDArray[Any]:
    """Decode an image to grey, BGR or BGRA, as it is stored; raise ImageError if it is damaged."""
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # an empty buffer, or a size above OpenCV's limit
        pixels = None
    if pixels is None:
        np.empty(SPARE, np.uint8)  # raises MemoryError, which OpenCV reports like damage
        raise undecodable(content)
    return np.asarray(pixels)
