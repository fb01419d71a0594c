"""Drift: the differences of an image from the training images, by the data card."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core import paths
from pipeline.subsets.data_card import DataCard

FAR = 1.5
"""Distance of an image's mean from that of the training pixels, in their standard deviations, above
which it is unlike them. So are 75 of 5,000 images of a copy of CIFAR-10, and none of the demos."""
BRIGHT, NEAR = 1.0, 0.5
"""The same for images that may be negatives: brighter by ``BRIGHT``, while 1 minus their values is
within ``NEAR``. So are half of Fashion-MNIST's negatives, of which another quarter is beyond
``FAR``, and 0.002 of its images."""
FLAT = 0.2
"""Share of the training pixels' standard deviation below which an image is almost of one colour."""
COLOURED = 0.03
"""Mean difference of an image's channels above which it has colours."""
EDGE = 1e-6
"""Distance from the training pixels' range that counts as rounding."""

BRIGHTER = "much brighter"
DARKER = "much darker"
NEGATIVE = "brighter, where their negatives would not be"
ONE_COLOUR = "almost of one colour"
OUTSIDE = "of values that no training image has"
COLOUR = "in colour, where training images are grey"


class Training(NamedTuple):
    """Statistics of the training subset's pixels, in [0, 1], from the data card."""

    low: float
    high: float
    mean: tuple[float, ...]
    """Of each channel, as ``std``."""
    std: tuple[float, ...]

    @classmethod
    def read(cls, dataset: str) -> "Training":
        """Read them from ``data.json``; raise DataError if that is missing or damaged."""
        pixels = DataCard.read(paths.data_card(dataset)).training_pixels
        return cls(pixels.min, pixels.max, pixels.mean, pixels.std)

    @property
    def is_grey(self) -> bool:
        """Tell if their channels have the same mean and deviation, as those of grey images have."""
        return bool(np.ptp(self.mean) < 1e-6 and np.ptp(self.std) < 1e-6)

    def differences(self, images: NDArray[np.float32]) -> list[list[str]]:
        """Return the differences of each image of a batch, in a few words; none if it is alike.

        Parameters
        ----------
        images : ndarray of float32
            In [0, 1], shape (n, h, w, c).
        """
        flat = images.reshape(len(images), -1, images.shape[3])
        spread = float(np.mean(self.std)) or 1.0
        off = (flat.mean(axis=1) - np.asarray(self.mean, np.float32)) / spread
        turned = (1 - flat.mean(axis=1) - np.asarray(self.mean, np.float32)) / spread
        brighter = off.max(axis=1) > FAR
        unlike = {
            BRIGHTER: brighter,
            NEGATIVE: (off.min(axis=1) > BRIGHT) & (abs(turned).max(axis=1) < NEAR) & ~brighter,
            DARKER: off.min(axis=1) < -FAR,
            ONE_COLOUR: flat.std(axis=1).max(axis=1) < FLAT * spread,
            OUTSIDE: (flat.min(axis=(1, 2)) < self.low - EDGE)
            | (flat.max(axis=(1, 2)) > self.high + EDGE),
        }
        if self.is_grey and images.shape[3] == 3:
            unlike[COLOUR] = np.ptp(flat, axis=2).mean(axis=1) > COLOURED
        return [[what for what, rows in unlike.items() if rows[n]] for n in range(len(images))]
