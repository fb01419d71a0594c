"""Adaptation: any image as the float32 image that a model takes, with a list of its changes.

An image that the ``decode`` stage takes is decoded exactly as there, by the same policy
(``decode.convert``). Any other, which would be a fault there, is converted here by the policy that
allows all, and the change is named: colour turned to grey (ITU-R BT.601) or grey to equal channels,
another size resized as in ``images.resize``, and 8 and 16 bits divided by their own maximum.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.images import decode
from pipeline.images.convert import ALL, Background, Convert, to_channels
from pipeline.images.formats import ImageError
from pipeline.images.resize import Resize, resize_to

TURNED = "turned as Exif says"
EXPANDED = "palette expanded"
FIRST = "several frames, of which the first is taken"
TRANSPARENT = "transparent, put on {}"
PRINTED = "CMYK, made RGB"
TRUNCATED = "truncated"
DEPTH = "of {} bits"
RESIZED = "of another size ({})"
GREYED = "in colour, made grey"
CHANGES = {
    "frames": FIRST,
    "palette": EXPANDED,
    "cmyk": PRINTED,
    "truncated": TRUNCATED,
    "orientation": TURNED,
    "alpha": TRANSPARENT,
}
"""By the words of the policy, in the order in which they are named."""

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
    >>> import cv2
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
    """Colour behind transparent pixels, where ``convert`` has none."""
    invert: bool = False
    """Exchange dark and light, for drawings on white where training images are on black."""
    convert: Convert | None = None
    """The dataset's ``decode.convert``; what it allows is no change to be named."""

    def __call__(self, content: bytes) -> Adapted:
        """Decode and adapt an encoded image.

        Raises
        ------
        ImageError
            If it cannot be decoded, or no conversion makes sense, as of LAB.
        """
        try:
            found = decode.decoded(
                content, self.shape, self.bits, self.declared, convert=self.convert
            )
        except ImageError:
            return self._converted(content)
        greyed = self.shape[2] == 1 and found.plan.header.channels == 3
        return self._normalized(found.pixels, *found.plan.header.size, [GREYED] if greyed else [])

    def of_array(self, pixels: Pixels) -> Adapted:
        """Adapt a decoded image, uint8 or uint16: (height, width), or with 1 channel or RGB."""
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        if pixels.shape[2] == 3:
            pixels = pixels[..., ::-1]
        return self._fitted(np.ascontiguousarray(pixels), [])

    def _converted(self, content: bytes) -> Adapted:
        """Adapt an image that ``decode`` refuses."""
        convert = self._lenient()
        plan = decode.examine(content, convert)
        width, height = plan.header.size
        if width * height > decode.MAX_PIXELS:
            size = f"{width}x{height}"
            raise ImageError(f"is {size} pixels, above {decode.MAX_PIXELS:,}; make it smaller")
        pixels, words = decode.plain(content, plan, convert)
        if pixels.dtype not in (np.uint8, np.uint16):
            raise ImageError(f"is of type {pixels.dtype}, not of 8 or 16 bits")
        changes = [
            change.format(convert.alpha)
            for word, change in CHANGES.items()
            if word in words and not self._allows(word)
        ]
        return self._fitted(pixels.reshape(*pixels.shape[:2], -1), changes)

    def _lenient(self) -> Convert:
        """Return a policy that allows all that the dataset's does not speak of."""
        allowed: dict[str, Any] = {"alpha": self.background}
        if self.convert:
            own = self.convert.model_dump()
            allowed |= {word: value for word, value in own.items() if value != "refuse"}
        return ALL.model_copy(update=allowed)

    def _allows(self, word: str) -> bool:
        return self.convert is not None and getattr(self.convert, word) not in ("refuse", "keep")

    def _fitted(self, pixels: Pixels, changes: list[str]) -> Adapted:
        """Convert the colours of grey or BGR, (h, w, 1 or 3), and the size."""
        height, width, channels = pixels.shape
        bits = pixels.dtype.itemsize * 8
        if bits != self.bits and not self._allows("depth"):
            changes.append(DEPTH.format(bits))
        if channels == 3 and self.shape[2] == 1:
            changes.append(GREYED)
        pixels = to_channels(pixels, self.shape[2])
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
