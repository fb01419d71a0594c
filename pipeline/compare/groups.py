"""Groups: runs that differ in their seed alone, with mean and spread of what was measured."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pipeline.core.params import merge
from pipeline.execution.machine import Machine
from pipeline.report.html import leaves, spelled
from pipeline.runs import DEFAULT_NETWORK, NAMED

SEED = "train.seed"
MACHINE = "machine"
"""Beside the parameters: the type of machine that a run was trained on."""
CHANGED = ("model", "train", "evaluate")
"""Sections of a run's parameters that may change a number."""


class Parameters(NamedTuple):
    """Parameters of a run, as text by dotted keys; both are empty for one that no file names."""

    own: dict[str, str]
    """Those that the run sets itself, in ``CHANGED``."""
    effective: dict[str, str]
    """Those and the defaults, and its network and weights."""

    @property
    def change(self) -> tuple[tuple[str, str], ...]:
        """Return the effective ones without the seed and the type of machine, sorted."""
        beside = (SEED, MACHINE)
        return tuple(sorted(item for item in self.effective.items() if item[0] not in beside))

    def on(self, machine: Machine | None) -> "Parameters":
        """Return the same with the type of machine that the run was trained on, if it is known."""
        if machine is None:
            return self
        return self._replace(effective=self.effective | {MACHINE: machine.describe()})


class Spread(NamedTuple):
    """Mean and standard deviation (with n - 1) of several runs' values."""

    mean: float
    deviation: float


def parameters(params: Mapping[str, Any], run: str) -> Parameters:
    """Return the parameters of a run in the content of a parameters file."""
    block = params.get("runs", {}).get(run)
    if block is None:
        return Parameters({}, {})
    defaults = params.get("defaults", {})
    own: dict[str, str] = {}
    effective: dict[str, str] = {}
    for section in CHANGED:
        change = block.get(section) or {}
        other = section == "model" and block.get("network", DEFAULT_NETWORK) != DEFAULT_NETWORK
        merged = merge({} if other else defaults.get(section, {}), change)
        own |= _text({section: change})
        effective |= _text({section: merged})
    named = {key: spelled(block[key]) for key in NAMED if key in block and key != "dataset"}
    return Parameters(own, named | effective)


def differing(several: Sequence[Parameters]) -> list[str]:
    """Return the keys of parameters that differ among runs, sorted; one may lack a key."""
    keys = sorted({key for one in several for key in one.effective})
    return [key for key in keys if len({one.effective.get(key) for one in several}) > 1]


def by_change(changes: Mapping[str, Hashable]) -> list[list[str]]:
    """Return the runs' keys in groups of those whose change is the same, in their order.

    Examples
    --------
    >>> by_change({"plain_0": "plain", "dropout_0": "dropout", "plain_1": "plain"})
    [['plain_0', 'plain_1'], ['dropout_0']]
    """
    found: dict[Hashable, list[str]] = {}
    for run, change in changes.items():
        found.setdefault(change, []).append(run)
    return list(found.values())


def name(runs: Sequence[str]) -> str:
    """Return the name of a group: what its runs' names have before their seeds.

    Examples
    --------
    >>> name(["dropout_0", "dropout_1"]), name(["one", "other"]), name(["dropout_0"])
    ('dropout', 'one', 'dropout_0')
    """
    stems = {run.rpartition("_")[0] for run in runs}
    stem = stems.pop()
    return stem if stem and not stems and len(runs) > 1 else runs[0]


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return mean and deviation of at least two values; None where one is missing."""
    known = [value for value in values if value is not None]
    if len(known) < max(2, len(values)):
        return None
    return Spread(float(np.mean(known)), float(np.std(known, ddof=1)))


def _text(section: Mapping[str, Any]) -> dict[str, str]:
    """Return the leaves of a section as text; an empty mapping is none."""
    return {key: spelled(value) for key, value in leaves(section) if value != {}}
