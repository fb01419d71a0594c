"""What a run of the benchmarks is to measure on."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FULL = 50_000
"""Images of Kaggle's ``train.7z``."""
BATCH = 128
"""The tutorial's."""


@dataclass(frozen=True)
class Settings:
    """Sizes, and where data is kept."""

    repeat: int = 3
    images: int = FULL
    """In the archive; the IDX files have 6/5 of it for training and 1/5 for the test."""
    steps: int | None = None
    """Of a training epoch; None for all that the images give."""
    quick: bool = False
    """Whether to leave out what takes long: the archive of ten times the images."""
    cache: Path = ROOT / "benchmarks" / "cache"

    @property
    def mirrored(self) -> bool:
        """Whether the files of ``DATA_MIRROR`` are measured on."""
        return bool(os.environ.get("DATA_MIRROR")) and self.images == FULL

    @property
    def data(self) -> str:
        """What the data is, in a few words."""
        if self.mirrored:
            return "the files of DATA_MIRROR"
        return f"synthetic archives of {self.images:,} images"

    @property
    def validation(self) -> int:
        """Images of the IDX files' validation subset."""
        return self.images // 10

    @property
    def train(self) -> int:
        """Images that an epoch is taken of, which are a multiple of the batch."""
        whole = (self.images * 6 // 5 - self.validation) // BATCH
        return min(whole, self.steps or whole) * BATCH
