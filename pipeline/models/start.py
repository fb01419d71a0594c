"""Start of a training from weights: which layers were taken, and which are trained when."""

import hashlib
from pathlib import Path

from pydantic import ValidationError

from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.core.params import Section
from pipeline.models.transfer import Transferred

START = "start.json"


class Phase(Section):
    """Epochs in which the same weights are trained."""

    first: int
    last: int
    weights: int
    """Number of values that change."""


class Start(Section):
    """What a model started from; it stands beside the model."""

    transferred: Transferred
    phases: tuple[Phase, ...]

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
        try:
            return cls.model_validate(files.read_json(path), strict=False)
        except ValidationError as error:
            raise DataError(f"{path} is damaged ({error.error_count()} faults)") from None


def digest(path: Path) -> str:
    """Return the SHA-256 over a file of weights, or over the files of a model's folder."""
    if path.is_file():
        return files.sha256(path)
    inside = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else []
    return hashlib.sha256("".join(files.sha256(one) for one in inside).encode()).hexdigest()
