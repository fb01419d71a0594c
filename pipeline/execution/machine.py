"""Types of machines, ``machine.json``: on what a run was trained, as its weights depend on it."""

from pathlib import Path
from typing import Self

from pipeline.core import files, paths
from pipeline.core.params import Section

NAME = "machine.json"
NO_GPU = "none"


class Machine(Section):
    """The content of ``machine.json``. None stands for what is not known.

    The same inputs give the same weights on machines of one type; on others they are rounded in
    other ways. Nothing in it tells one machine of a type from another.
    """

    gpu: str | None
    """Model, compute capability and number of the GPUs; ``none`` if there was none."""
    kernels: str | None
    """``oneDNN`` or ``Eigen``, which compute on the processor; with a limit, if one was set."""
    processor: str | None
    """Architecture and instruction sets, such as ``x86_64 avx2``."""

    @classmethod
    def of(cls, run: str) -> Self | None:
        """Read a run's record; return None if it has none, as those of earlier versions."""
        return cls.read(path(run)) if path(run).exists() else None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record; raise DataError if it is missing or damaged."""
        return files.read_record(path, cls, "train again (dvc repro)")

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        files.write_json(path, self.model_dump(mode="json"))

    def is_other(self, two: "Machine | None") -> bool:
        """Return True if two types are known to differ."""
        if two is None:
            return False
        pairs = ((getattr(self, key), getattr(two, key)) for key in type(self).model_fields)
        return any(None not in pair and len(set(pair)) == 2 for pair in pairs)

    def describe(self) -> str:
        """Return the type in words, such as ``x86_64 avx2, Eigen``."""
        parts = [self.processor, self.kernels, None if self.gpu == NO_GPU else self.gpu]
        return ", ".join(part for part in parts if part) or "a machine of unknown type"


def path(run: str) -> Path:
    """Return the place of a run's record."""
    return paths.metrics(run) / NAME
