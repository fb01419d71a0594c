"""Evaluation of a run, ``evaluation.json``: metrics of its predictions for the test subset."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from pipeline.core import files
from pipeline.core.params import Section

Share = Annotated[float, Field(ge=0, le=1)]
TOLERANCE = 1e-6
"""By how much sums of floats may differ."""


class Interval(Section):
    """Bounds of a confidence interval."""

    high: Share
    low: Share


class ClassScores(Section):
    """Scores of a class, and its number of test images."""

    f1: Share
    precision: Share
    recall: Share
    support: NonNegativeInt


class Evaluation(Section):
    """The content of ``evaluation.json``."""

    accuracy: Share
    accuracy_interval: Interval
    classes: dict[str, ClassScores]
    """By the class's name, in the order of the labels."""
    expected_calibration_error: Share
    loss: Annotated[float, Field(ge=0)]
    """Mean cross-entropy, in nats."""
    n: PositiveInt
    """Test images."""
    train_accuracy: Share

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (support := sum(one.support for one in self.classes.values())) != self.n:
            raise ValueError(f"n is {self.n:,}, but its classes have {support:,} images")
        right = sum(one.recall * one.support for one in self.classes.values())
        if abs(right / self.n - self.accuracy) > TOLERANCE:
            raise ValueError("accuracy is not that of its classes")
        low, high = self.accuracy_interval.low, self.accuracy_interval.high
        if not low - TOLERANCE <= self.accuracy <= high + TOLERANCE:
            raise ValueError("accuracy is not in its interval")
        return self

    @classmethod
    def read(cls, path: Path) -> "Evaluation":
        """Read an evaluation; raise DataError if it is missing, damaged or contradicts itself."""
        return files.read_record(path, cls, "evaluate again (dvc repro)")

    def write(self, path: Path) -> None:
        """Write the evaluation as JSON."""
        files.write_json(path, self.model_dump(mode="json"))
