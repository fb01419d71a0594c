"""Runs of ``params.yaml``: each names its dataset and its differences from the defaults.

Functions take a run's name with or without its graph's folder, and that graph's parameters.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.errors import ParameterError
from pipeline.core.params import Name, Params, S, Section, merge

SECTIONS = ("model", "train", "evaluate", "report")


class Named(Section):
    """The key of a run that names its dataset."""

    dataset: Name


class Run(Named):
    """``runs.<name>``: a dataset's name, and each section's differences from the defaults.

    A section may be empty (``{}``) but not missing, since DVC tracks it by its key.
    """

    model: dict[str, Any]
    train: dict[str, Any]
    evaluate: dict[str, Any]
    report: dict[str, Any]


def dataset(params: Params, run: str) -> str:
    """Return the name of a run's dataset.

    Raises
    ------
    ParameterError
        If there is no such run or no such dataset.
    """
    # This key alone: a stage that reads others without tracking them would miss their changes.
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
    """Return a run's section, merged into the defaults and validated.

    Raises
    ------
    ParameterError
        Naming the run's key for a fault in the run, else the key in the defaults.
    """
    run = Path(run).name
    change = params.value("runs", run, name)

    def prefix(place: tuple[str, ...]) -> str:
        return f"runs.{run}.{name}" if _holds(change, place) else f"defaults.{name}"

    return params.validate(model, merge(params.value("defaults", name), change), prefix)


def resolve(params: Params, run: str) -> dict[str, Any]:
    """Return all parameters of a run, with the defaults, and the name of its dataset."""
    key = Path(run).name
    merged = {
        name: merge(params.value("defaults", name), params.value("runs", key, name))
        for name in SECTIONS
    }
    return {"dataset": dataset(params, run), **merged}


def _holds(value: Any, place: tuple[str, ...]) -> bool:
    """Return True if ``value`` itself holds a value at ``place``."""
    for key in place:
        if not isinstance(value, Mapping):
            break
        if key not in value:
            return False
        value = value[key]
    return True
