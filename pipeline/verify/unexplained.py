"""Records at two revisions that contradict each other: other outputs of the same inputs."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.core import paths
from pipeline.core.errors import first_few
from pipeline.execution.machine import Machine
from pipeline.verify.reproduce import different, is_other

Records = Mapping[str, dict[str, Any]]
INPUTS = ("cmd", "deps", "params")
SAME = ("extract", "decode", "split")
"""Stages that give the same on any machine. What is downloaded need not be pinned."""


class Change(NamedTuple):
    """A stage whose outputs changed, though nothing did that it depends on."""

    stage: str
    outputs: list[str]
    is_possible: bool
    """Whether another machine may have made them, which nobody checked."""

    def describe(self, revision: str) -> str:
        """Return what was found, on one line."""
        what = f"{self.stage}: {first_few(self.outputs)}"
        if self.is_possible:
            return f"unchecked: {what}: made again on another type of machine than at {revision}"
        return (
            f"{what}: not what the same inputs gave at {revision}; take these back, or run dvc "
            f"repro --force {self.stage}"
        )


def changes(
    before: Records,
    now: Records,
    machine: Callable[[str], tuple[Machine | None, Machine | None]],
    made: Collection[str] = (),
) -> Iterator[Change]:
    """Yield the stages that are recorded with the same inputs twice, and with other outputs.

    Parameters
    ----------
    before, now : mapping
        What two revisions record, by the stages' names.
    machine : callable
        Returns the types of machines that a run was trained on, at both; None where nobody knows.
    made : collection of str
        Runs that this machine makes again, whose models and metrics are not looked at here.
    """
    for name in before.keys() & now.keys():
        one, two = before[name], now[name]
        kind, _, key = name.partition("@")
        outputs = different(one, two)
        if not outputs or any(one.get(part) != two.get(part) for part in INPUTS):
            continue
        if kind in SAME:
            yield Change(name, outputs, is_possible=False)
        elif key in made:
            continue
        elif kind == "train":
            is_possible = is_other(*machine(key)) and _has(outputs, paths.model(key))
            yield Change(name, outputs, is_possible=is_possible)
        elif kind == "evaluate" and not _has(outputs, paths.predictions(key)):
            yield Change(name, outputs, is_possible=False)  # predictions themselves: verify does


def _has(outputs: Collection[str], path: Path) -> bool:
    return path.as_posix() in outputs
