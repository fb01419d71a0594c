"""Runs: what is trained on what. A run names its dataset and what differs from the defaults.

Functions take a run's name with or without its graph's folder; the parameters are that graph's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.errors import ParameterError
from pipeline.core.params import Name, Params, S, Section, merge

SECTIONS = ("model", "train", "evaluate", "report")


class Named(Section):
    """What names a run's dataset."""

    dataset: Name


class Run(Named):
    """``runs.<name>``: a dataset's name, and for each section what differs from the defaults.

    Each section must be there, though it may be empty (``{}``), for DVC tracks it by its key.
    """

    model: dict[str, Any]
    train: dict[str, Any]
    evaluate: dict[str, Any]
    report: dict[str, Any]


def dataset(params: Params, run: str) -> str:
    """The name of the dataset that a run is trained on.

    Raises
    ------
    ParameterError
        If there is no such run or no such dataset.
    """
    # This key alone, for the other ones are not every stage's to read.
    run = Path(run).name
    value = {"dataset": params.value("runs", run, "dataset")}
    name = params.validate(Named, value, lambda _: f"runs.{run}").dataset
    known = params.value("datasets")
    if name not in known:
        raise ParameterError(
            f"{params.path}: runs.{run}.dataset: there is no dataset {name!r}; there are: "
            f"{', '.join(known)}"
        )
    return name


def section(params: Params, run: str, name: str, model: type[S]) -> S:
    """A run's section, merged into the defaults and validated.

    Raises
    ------
    ParameterError
        Naming the key in the run where the fault stands there, else the one in the defaults.
    """
    run = Path(run).name
    change = params.value("runs", run, name)

    def prefix(place: tuple[str, ...]) -> str:
        return f"runs.{run}.{name}" if _holds(change, place) else f"defaults.{name}"

    return params.validate(model, merge(params.value("defaults", name), change), prefix)


def resolve(params: Params, run: str) -> dict[str, Any]:
    """All parameters of a run, the defaults merged in, and its dataset's name."""
    key = Path(run).name
    merged = {
        name: merge(params.value("defaults", name), params.value("runs", key, name))
        for name in SECTIONS
    }
    return {"dataset": dataset(params, run), **merged}


def _holds(value: Any, place: tuple[str, ...]) -> bool:
    """Whether ``value`` has something of its own at ``place``."""
    for key in place:
        if not isinstance(value, Mapping):
            break
        if key not in value:
            return False
        value = value[key]
    return True
