"""Likeness: whether an image looks like those that a model was trained on, by the data card."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core import files, paths

FAR = 1.5
"""Standard deviations of training pixels from their mean, beyond which an image's mean is unlike
theirs: of 5,000 images of a copy of CIFAR-10 75 are, of the demos' none."""
BRIGHT, NEAR = 1.0, 0.5
"""The same for images of which the negative may be meant: they are above ``BRIGHT``, and 1 less
their values within ``NEAR``. So are half of Fashion-MNIST's negatives, of which another quarter is
beyond ``FAR``, and 0.002 of its images."""
FLAT = 0.2
"""Share of the training pixels' standard deviation below which an image is almost of one colour."""
COLOURED = 0.03
"""Mean difference of an image's channels above which it has colours."""
EDGE = 1e-6
"""By how much a value may be outside of theirs, for rounding."""

BRIGHTER = "much brighter"
DARKER = "much darker"
NEGATIVE = "brighter, where their negatives would not be"
ONE_COLOUR = "almost of one colour"
OUTSIDE = "of values that no training image has"
COLOUR = "in colour, where training images are grey"


class Training(NamedTuple):
    """The training subset's pixels, as the data card has them: in [0, 1]."""

    low: float
    high: float
    mean: tuple[float, ...]
    """For each channel, as ``std``."""
    std: tuple[float, ...]

    @classmethod
    def read(cls, dataset: str) -> "Training":
        """Read them from ``data.json``; raises DataError if that is missing or damaged."""
        found = files.read_json(paths.data_card(dataset))["training_pixels"]
        return cls(found["min"], found["max"], tuple(found["mean"]), tuple(found["std"]))

    @property
    def is_grey(self) -> bool:
        """Whether their channels are equal, so far as can be told."""
        return bool(np.ptp(self.mean) < 1e-6 and np.ptp(self.std) < 1e-6)

    def differences(self, images: NDArray[np.float32]) -> list[list[str]]:
        """In what each image of a batch is unlike them, in a few words; nothing if it is alike.

        Images are float32[n, h, w, c] in [0, 1].
        """
        flat = images.reshape(len(images), -1, images.shape[3])
        spread = float(np.mean(self.std)) or 1.0
        off = (flat.mean(axis=1) - np.asarray(self.mean, np.float32)) / spread
        turned = (1 - flat.mean(axis=1) - np.asarray(self.mean, np.float32)) / spread
        brighter = off.max(axis=1) > FAR
        found = {
            BRIGHTER: brighter,
            NEGATIVE: (off.min(axis=1) > BRIGHT) & (abs(turned).max(axis=1) < NEAR) & ~brighter,
            DARKER: off.min(axis=1) < -FAR,
            ONE_COLOUR: flat.std(axis=1).max(axis=1) < FLAT * spread,
            OUTSIDE: (flat.min(axis=(1, 2)) < self.low - EDGE)
            | (flat.max(axis=(1, 2)) > self.high + EDGE),
        }
        if self.is_grey and images.shape[3] == 3:
            found[COLOUR] = np.ptp(flat, axis=2).mean(axis=1) > COLOURED
        return [[what for what, true in found.items() if true[n]] for n in range(len(images))]
