"""Encoded images."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.core.errors import DataError
from pipeline.images.convert import ALL
from pipeline.images.decode import decode
from pipeline.images.formats import ImageError
from tests.fuzz.target import Target
from tests.support.builders import encode, palette_png, pixels
from tests.support.hostile.images import interlaced_png, rotated_jpeg, saved

SHAPE = (8, 8, 3)
MOST = 1 << 20
"""Pixels: a fuzzer finds sizes at once, and those below the limit of 50 million take seconds."""
OTHERS = ("AVIF", "BMP", "GIF", "JPEG2000", "PPM", "TIFF", "WEBP")


def read(content: bytes, _: Path) -> None:
    """Decode an image by the policy that allows all."""
    try:
        found = decode(content, SHAPE, 8, "crop", MOST, ALL)
    except ImageError as error:
        raise DataError(str(error)) from None
    assert (found.shape, found.dtype) == (SHAPE, np.uint8)


def seeds(*contents: Callable[[], bytes]) -> Callable[[Path], None]:
    """Return a function that writes such images."""

    def seed(folder: Path) -> None:
        for number, content in enumerate(contents):
            (folder / str(number)).write_bytes(content())

    return seed


def seed_png(folder: Path) -> None:
    """Plain, with a palette, interlaced, transparent, animated, deep."""
    palette = palette_png(np.zeros((8, 8), np.uint8), np.array([[9, 8, 7]], np.uint8))
    seeds(
        lambda: encode(pixels([0], SHAPE)[0]),
        lambda: encode(pixels([0], SHAPE, 16)[0]),
        lambda: palette,
        interlaced_png,
        lambda: saved("PNG", "RGBA"),
        lambda: saved("PNG", frames=2),
    )(folder)


TARGETS = {
    "png": Target(read, seed_png),
    "jpeg": Target(
        read,
        seeds(
            rotated_jpeg,
            lambda: saved("JPEG", "L"),
            lambda: saved("JPEG", "CMYK"),
            lambda: saved("JPEG", progressive=True),
            lambda: saved("JPEG", restart_marker_blocks=1),
            lambda: saved("MPO", frames=2),
        ),
    ),
    "images": Target(read, seeds(*(lambda name=name: saved(name) for name in OTHERS))),
}
