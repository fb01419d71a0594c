"""Recipe: the run that is proposed for a dataset, by the number, size and classes of its images.

It is what learned three small datasets of drawn shapes from fresh weights (`docs/own-data.md`): a
residual network with batch normalization, one cycle of a thousand steps or more, small batches, and
images that are moved, mirrored and changed by TrivialAugment. Such a schedule has its best weights
at its end, so that nothing stops it early.
"""

import math
from collections import Counter
from typing import Any

from pipeline.core import paths

STEPS, PHOTO_STEPS = 1500, 1000
"""Steps of a training, at least, in ``MOST_EPOCHS`` at most; photographs take long."""
TRAINED = 0.7
"""Share of the images that is left for training, about."""
EPOCHS = 10
MOST_EPOCHS = 150
BATCHES = ((1000, 16), (5000, 32))
"""Numbers of images below which batches are smaller, so that an epoch has enough steps."""
LARGE = 40
"""Pixels of the shorter side above which the first convolution leaves every second one out."""
PHOTOGRAPH = 96
"""Pixels of the shorter side from which a network for photographs is proposed."""
MANY = 5000
"""Photographs that are enough for such a network with fresh weights."""
LARGEST_BATCH = 32
"""Of photographs, whose maps take more memory."""
MOVED = 16
"""Part of the shorter side by which images are moved."""
IMBALANCED = 2
"""Ratio of the most frequent class to the rarest from which classes are weighted."""
SIDES = {"left", "right", "links", "rechts", "gauche", "droite"}
"""Words in a class's name that a mirrored image would belie."""
BACKBONE = "MobileNetV3Small"
ADVICE = (
    f"far fewer photographs do with a published network, such as {BACKBONE}, that has seen a "
    "million: docs/networks.md, start from weights"
)
UNMIRRORED = (
    "images are not mirrored while training, since a class is {reason}; where mirror images are "
    "images of the same class, set train.augmentation.flip_horizontal: true"
)


def run(dataset: str, shape: tuple[int, ...], counts: Counter[str]) -> dict[str, Any]:
    """Return the run of a dataset, as it stands in ``params.yaml``.

    Parameters
    ----------
    shape : tuple of int
        Height and width, in pixels, and whatever follows.
    counts : Counter
        Images of each class.
    """
    network, model = _network(shape, counts)
    batch = next((size for most, size in BATCHES if counts.total() < most), None)
    if is_photograph(shape):
        batch = min(batch or LARGEST_BATCH, LARGEST_BATCH)
    train: dict[str, Any] = {"shuffle": True, "drop_remainder": False}
    if batch:
        train["batch_size"] = batch
    steps = math.ceil(TRAINED * counts.total() / (batch or 128))
    wanted = PHOTO_STEPS if is_photograph(shape) else STEPS
    train |= {
        "epochs": min(max(EPOCHS, math.ceil(wanted / steps)), MOST_EPOCHS),
        "optimizer": {"name": "adam", "learning_rate": 0.003},
        "schedule": {"name": "one_cycle", "rise": 0.2},
        "augmentation": {"shift": max(1, min(shape[:2]) // MOVED), "trivial": True},
    }
    if not one_way_round(counts):
        train["augmentation"]["flip_horizontal"] = True
    if max(counts.values()) >= IMBALANCED * min(counts.values()):
        train["class_weights"] = "balanced"
    return {
        "dataset": dataset,
        "network": network,
        "weights": paths.NO_WEIGHTS.as_posix(),
        "model": model,
        "train": train,
        "evaluate": {},
        "report": {},
    }


def _network(shape: tuple[int, ...], counts: Counter[str]) -> tuple[str, dict[str, Any]]:
    """Return a family of networks, and its parameters."""
    if is_photograph(shape) and counts.total() >= MANY:
        return "application", {"backbone": BACKBONE}
    if min(shape[:2]) > LARGE:
        return "residual", {"stem_stride": 2, "widths": [16, 32, 64, 128], "depths": [1, 1, 1, 1]}
    return "residual", {}


def is_photograph(shape: tuple[int, ...]) -> bool:
    """Return True if images are as large as photographs."""
    return min(shape[:2]) >= PHOTOGRAPH


def one_way_round(classes: Counter[str]) -> str:
    """Return why mirrored images would be of another class, or of none; empty if they may not be.

    Examples
    --------
    >>> one_way_round(Counter(["7", "8"])), one_way_round(Counter(["cat", "dog"]))
    ('a digit or letter', '')
    >>> one_way_round(Counter(["turn left", "turn right"]))
    'left or right'
    """
    if all(len(name) == 1 or name.isdecimal() for name in classes):
        return "a digit or letter"
    if any(
        SIDES & set(name.lower().replace("_", " ").replace("-", " ").split()) for name in classes
    ):
        return "left or right"
    return ""


def notes(shape: tuple[int, ...], classes: Counter[str]) -> list[str]:
    """Return sentences for people about the run."""
    found = [ADVICE] if is_photograph(shape) else []
    reason = one_way_round(classes)
    return found + ([UNMIRRORED.format(reason=reason)] if reason else [])
