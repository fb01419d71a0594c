"""Data card of a dataset, ``data.json``: exact counts of its subsets and their pixels."""

from itertools import combinations
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, model_validator

from pipeline.core import files
from pipeline.core.params import Section
from pipeline.shards.index import Classes, ImageShape, Sha256
from pipeline.subsets.split import SUBSETS

Value = Annotated[float, Field(ge=0, le=1)]
"""Of a normalized pixel."""
PAIRS = tuple(f"{one}_{other}" for one, other in combinations(SUBSETS, 2))
"""Such as ``train_test``."""


class SubsetCounts(Section):
    """Numbers of a subset's images."""

    n: NonNegativeInt
    classes: dict[str, NonNegativeInt]
    """Images of each class, by its name."""


class TrainingPixels(Section):
    """Statistics of the training subset's normalized pixels, in [0, 1]."""

    min: Value
    max: Value
    mean: tuple[Value, ...]
    """For each channel."""
    std: tuple[Value, ...]
    """For each channel: the population's standard deviation."""


class Duplicates(Section):
    """Numbers of images with equal pixels."""

    within: dict[str, NonNegativeInt]
    """For each subset, images that repeat an earlier one."""
    across: dict[str, NonNegativeInt]
    """For each pair of subsets, such as ``train_test``, distinct images that are in both."""


class DataCard(Section):
    """The content of ``data.json``."""

    dataset: str
    classes: Classes
    shape: ImageShape
    """Height, width, channels."""
    content_sha256: Sha256
    """The data's identity; see ``shards.index.Index``."""
    subsets: dict[str, SubsetCounts]
    training_pixels: TrainingPixels
    duplicates: Duplicates
    quarantined: NonNegativeInt
    """Images that were left out."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for what, found, expected in (
            ("subsets", self.subsets, SUBSETS),
            ("duplicates.within", self.duplicates.within, SUBSETS),
            ("duplicates.across", self.duplicates.across, PAIRS),
        ):
            if set(found) != set(expected):
                raise ValueError(f"{what} must have {', '.join(expected)}")
        for name, subset in self.subsets.items():
            if subset.classes.keys() != set(self.classes):
                raise ValueError(f"subsets.{name}.classes must have the classes")
            if sum(subset.classes.values()) != subset.n:
                raise ValueError(f"subsets.{name}.n is {subset.n:,}, its classes have others")
        pixels = self.training_pixels
        if not len(pixels.mean) == len(pixels.std) == self.shape[2] or pixels.min > pixels.max:
            raise ValueError("training_pixels must have a mean and a std for each channel")
        return self

    @classmethod
    def read(cls, path: Path) -> "DataCard":
        """Read the card; raise DataError if it is missing, damaged or contradicts itself."""
        return files.read_record(path, cls, "split again (dvc repro)")

    def write(self, path: Path) -> None:
        """Write the card as JSON."""
        files.write_json(path, self.model_dump(mode="json"))
