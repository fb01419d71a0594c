"""Recipe: the run that is proposed for a dataset, by the number, size and classes of its images."""

from collections import Counter
from typing import Any

from pipeline.core import paths

FEW = 5000
"""Images below which batches are smaller, so that an epoch has enough steps."""
SMALL_BATCH = 32
PHOTOGRAPH = 96
"""Pixels of the shorter side from which a network for photographs is proposed."""
IMBALANCED = 2
"""Ratio of the most frequent class to the rarest from which classes are weighted."""
BACKBONE = "MobileNetV3Small"
ADVICE = (
    f"images of {PHOTOGRAPH} pixels or more get a network for photographs, {BACKBONE}, with fresh "
    "weights; with published ones it needs far fewer images: docs/networks.md, start from weights"
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
    train: dict[str, Any] = {"shuffle": True, "drop_remainder": False}
    if counts.total() < FEW or is_photograph(shape):
        train["batch_size"] = SMALL_BATCH  # the maps of larger images take more memory, too
    if counts.total() < FEW and is_photograph(shape):
        train |= {"epochs": 30, "schedule": {"name": "cosine"}}  # fresh weights need their steps
    if max(counts.values()) >= IMBALANCED * min(counts.values()):
        train["class_weights"] = "balanced"
    photograph = {"network": "application", "model": {"backbone": BACKBONE}}
    network = photograph if is_photograph(shape) else {"network": "cnn", "model": {}}
    return {
        "dataset": dataset,
        "network": network["network"],
        "weights": paths.NO_WEIGHTS.as_posix(),
        "model": network["model"],
        "train": train,
        "evaluate": {},
        "report": {},
    }


def is_photograph(shape: tuple[int, ...]) -> bool:
    """Return True if images are as large as photographs."""
    return min(shape[:2]) >= PHOTOGRAPH


def notes(shape: tuple[int, ...]) -> list[str]:
    """Return sentences for people about the run."""
    return [ADVICE] if is_photograph(shape) else []
