"""Start of a training from weights: which layers were taken, and which are trained when."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import FailFast, NonNegativeInt, PositiveInt

from pipeline.core import files
from pipeline.core.errors import first_few
from pipeline.core.params import Section

START = "start.json"
How = Literal["name", "order", "place"]


class Taken(Section):
    """A layer of the network whose weights came from the file."""

    name: str
    source: str
    """Its name in the file."""
    values: NonNegativeInt


class Other(Section):
    """A layer whose weights were not transferred."""

    name: str
    values: NonNegativeInt
    reason: str


class Transferred(Section):
    """What a network took from a file of weights."""

    path: str
    by: How
    """By what layers were matched: their names, their order, or their places in the file, which has
    no names then."""
    taken: Annotated[tuple[Taken, ...], FailFast()]
    fresh: Annotated[tuple[Other, ...], FailFast()]
    """Layers of the network that keep their initial weights."""
    left: Annotated[tuple[Other, ...], FailFast()]
    """Layers of the file that have no use."""

    def describe(self) -> str:
        """Return a line for people."""
        layers = len(self.taken) + len(self.fresh)
        values = sum(one.values for one in self.taken)
        every = values + sum(one.values for one in self.fresh)
        text = (
            f"start from {self.path}: {len(self.taken)} of {layers} layers by {self.by}, "
            f"{values:,} of {every:,} values"
        )
        for word, others in (("fresh", self.fresh), ("left", self.left)):
            if others:
                text += f"; {word}: {first_few([f'{one.name} ({one.reason})' for one in others])}"
        return text


class Phase(Section):
    """Epochs in which the same weights are trained."""

    first: PositiveInt
    last: PositiveInt
    weights: NonNegativeInt
    """Number of values that change."""


class Start(Section):
    """What a model started from; it stands beside the model."""

    transferred: Transferred
    phases: Annotated[tuple[Phase, ...], FailFast()]

    def describe(self) -> str:
        """Return what was taken, and how many weights are trained when, for people."""
        phases = [
            f"epochs {phase.first} to {phase.last}: {phase.weights:,} weights are trained"
            for phase in self.phases
        ]
        return "\n".join([self.transferred.describe(), *phases])

    @classmethod
    def read(cls, model: Path) -> "Start | None":
        """Return the start of the model in a folder; None if it had fresh weights."""
        path = model / START
        if not path.exists():
            return None
        return files.read_record(path, cls, "train again (dvc repro)")


def digest(path: Path) -> str:
    """Return the SHA-256 over a file of weights, or over the files of a model's folder."""
    if path.is_file():
        return files.sha256(path)
    inside = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else []
    return hashlib.sha256("".join(files.sha256(one) for one in inside).encode()).hexdigest()
