"""Evaluation of a run, ``evaluation.json``: metrics of its predictions for the test subset.

``metrics.json`` has those of them that tables show, each by one flat key.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from pipeline.core import files
from pipeline.core.params import ClassName, Section

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


class Validation(Section):
    """What was measured of the validation subset, by which runs are chosen."""

    accuracy: Share
    accuracy_interval: Interval
    loss: Annotated[float, Field(ge=0)]
    """Mean cross-entropy, in nats."""
    n: PositiveInt
    """Validation images."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _check_inside(self.accuracy, self.accuracy_interval)
        return self


def macro_f1(classes: Mapping[str, ClassScores]) -> float:
    """Return the mean F1 of the classes that the test subset has, in [0, 1]."""
    return _mean(one.f1 for one in classes.values() if one.support)


def balanced_accuracy(classes: Mapping[str, ClassScores]) -> float:
    """Return the mean recall of the classes that the test subset has, in [0, 1]."""
    return _mean(one.recall for one in classes.values() if one.support)


class Evaluation(Section):
    """The content of ``evaluation.json``.

    In files of earlier versions, what follows from their classes is computed.
    """

    accuracy: Share
    accuracy_interval: Interval
    classes: dict[ClassName, ClassScores]
    """By the class's name, in the order of the labels."""
    expected_calibration_error: Share
    loss: Annotated[float, Field(ge=0)]
    """Mean cross-entropy, in nats."""
    n: PositiveInt
    """Test images."""
    train_accuracy: Share
    macro_f1: Share = Field(default_factory=lambda known: macro_f1(known["classes"]))
    """Mean F1 of the classes that the test subset has."""
    balanced_accuracy: Share = Field(
        default_factory=lambda known: balanced_accuracy(known["classes"])
    )
    """Mean recall of the classes that the test subset has."""
    top_5_accuracy: Share | None = None
    """Share of the test images whose class is among the five most probable ones; None where there
    are few classes."""
    validation: Validation | None = None
    """None without a validation subset, where that was trained on, and in earlier versions."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (support := sum(one.support for one in self.classes.values())) != self.n:
            raise ValueError(f"n is {self.n:,}, but its classes have {support:,} images")
        right = sum(one.recall * one.support for one in self.classes.values())
        if abs(right / self.n - self.accuracy) > TOLERANCE:
            raise ValueError("accuracy is not that of its classes")
        _check_inside(self.accuracy, self.accuracy_interval)
        for name, mean in (("macro_f1", macro_f1), ("balanced_accuracy", balanced_accuracy)):
            if abs(getattr(self, name) - mean(self.classes)) > TOLERANCE:
                raise ValueError(f"{name} is not that of its classes")
        if self.top_5_accuracy is not None and self.top_5_accuracy < self.accuracy - TOLERANCE:
            raise ValueError("top_5_accuracy is below accuracy")
        return self

    @classmethod
    def read(cls, path: Path) -> "Evaluation":
        """Read an evaluation; raise DataError if it is missing, damaged or contradicts itself."""
        return files.read_record(path, cls, "evaluate again (dvc repro)")

    def write(self, path: Path) -> None:
        """Write the evaluation as JSON, without what there is not."""
        files.write_json(path, self.model_dump(mode="json", exclude_none=True))

    def headline(self) -> dict[str, float]:
        """Return the metrics that tables show, by flat keys: the content of ``metrics.json``."""
        found = {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "expected_calibration_error": self.expected_calibration_error,
            "loss": self.loss,
            "macro_f1": self.macro_f1,
        }
        if self.top_5_accuracy is not None:
            found["top_5_accuracy"] = self.top_5_accuracy
        if self.validation is not None:
            found["validation_accuracy"] = self.validation.accuracy
            found["validation_loss"] = self.validation.loss
        return found

    def write_headline(self, path: Path) -> None:
        """Write ``metrics.json``."""
        files.write_json(path, self.headline())


def _mean(values: Iterable[float]) -> float:
    """Return the mean, which does not depend on the order: JSON has classes in another one."""
    found = list(values)
    return math.fsum(found) / len(found) if found else 0.0


def _check_inside(accuracy: float, interval: Interval) -> None:
    """Raise ValueError if an accuracy is not in its interval."""
    if not interval.low - TOLERANCE <= accuracy <= interval.high + TOLERANCE:
        raise ValueError("accuracy is not in its interval")
