"""Test-time augmentation: views of an image, over which a prediction can be averaged."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.core.params import Section

View = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A function of images, float32[n, h, w, c], which returns images of the same shape."""


class Views(Section):
    """``evaluate.views``: by default the image alone, as it is."""

    flip_horizontal: bool = False
    """Add the mirror image."""
    shift: Annotated[int, Field(ge=0, le=256)] = 0
    """Add all of these moved by so many pixels up, down, left and right; the rest is black."""

    def all(self) -> list[View]:
        """Return every view; the first is the image as it is."""
        flips: list[View] = [_same, _flip] if self.flip_horizontal else [_same]
        s = self.shift
        moves = [(0, 0), (s, 0), (-s, 0), (0, s), (0, -s)] if s else [(0, 0)]
        return [partial(_moved, flip, *move) for flip in flips for move in moves]


def _same(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return images


def _flip(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return images[:, :, ::-1]


def _moved(flip: View, down: int, right: int, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flip images, and move them by so many pixels."""
    height, width = images.shape[1:3]
    most = max(abs(down), abs(right))
    padded = np.pad(flip(images), ((0, 0), (most, most), (most, most), (0, 0)))
    top, left = most - down, most - right
    return padded[:, top : top + height, left : left + width]
