"""Runs of ``params.yaml``: each names its dataset and its differences from the defaults.

Functions take a run's name with or without its graph's folder, and that graph's parameters.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from pipeline.core import paths
from pipeline.core.errors import ParameterError, first_few
from pipeline.core.params import Name, Params, S, Section, merge

NAMED = ("dataset", "network", "weights")
SECTIONS = ("model", "train", "evaluate", "report")
DEFAULT_NETWORK = "cnn"
"""The family whose parameters ``defaults.model`` holds; others have their own in their file."""


def _within_project(path: str) -> str:
    if set(path.split("/")) & {"", ".", ".."}:
        raise ValueError("must be a path within the project, such as data/models/RUN")
    return path


ProjectPath = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._/-]+$", max_length=1024),
    AfterValidator(_within_project),
]
"""A path within the project, relative to its folder."""


class Named(Section):
    """The key of a run that names its dataset."""

    dataset: Name


class Started(Section):
    """The keys of a run that say which network it trains, and from what."""

    network: Name
    """A family of networks, ``networks/<name>.py``."""
    weights: ProjectPath
    """A trained model or a file of weights to start from, which DVC tracks; or
    ``data/weights/none``."""


class StudyRun(Named, Started):
    """``runs.<name>`` of a study: dataset, network, and each section's differences.

    A section may be empty (``{}``) but not missing, since DVC tracks it by its key.
    """

    model: dict[str, Any]
    """The network's parameters, as its family has them."""
    train: dict[str, Any]
    """What differs from ``defaults.train``."""
    evaluate: dict[str, Any]
    """What differs from ``defaults.evaluate``."""


class Run(StudyRun):
    """``runs.<name>`` of the main graph, whose runs have reports."""

    report: dict[str, Any]
    """What differs from ``defaults.report``."""


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
            f"{first_few(list(known), 50)}"
        )
    return name


def network(params: Params, run: str) -> str:
    """Return the name of a run's family of networks; raises ParameterError."""
    return _started(params, run, "network", {"weights": paths.NO_WEIGHTS.as_posix()}).network


def weights(params: Params, run: str) -> Path | None:
    """Return the path of what a run starts from; None for fresh weights. Raises ParameterError."""
    path = Path(_started(params, run, "weights", {"network": DEFAULT_NETWORK}).weights)
    return None if path == paths.NO_WEIGHTS else path


def _started(params: Params, run: str, key: str, others: Mapping[str, str]) -> Started:
    run = Path(run).name
    value = {**others, key: params.value("runs", run, key)}
    return params.validate(Started, value, lambda _: f"runs.{run}")


def section(params: Params, run: str, name: str, model: type[S]) -> S:
    """Return a run's section, merged into the defaults and validated.

    Raises
    ------
    ParameterError
        Naming the run's key for a fault in the run, else the key in the defaults.
    """
    run = Path(run).name
    defaults, change = _defaults(params, run, name), params.value("runs", run, name)

    def prefix(place: tuple[str, ...]) -> str:
        is_own = not defaults or _holds(change, place)
        return f"runs.{run}.{name}" if is_own else f"defaults.{name}"

    return params.validate(model, merge(defaults, change), prefix)


def resolve(params: Params, run: str) -> dict[str, Any]:
    """Return all parameters of a run, with the defaults, its dataset, network and weights."""
    key = Path(run).name
    merged = {
        name: merge(_defaults(params, key, name), params.value("runs", key, name))
        for name in SECTIONS
    }
    start = weights(params, run) or paths.NO_WEIGHTS
    named = {"dataset": dataset(params, run), "network": network(params, run)}
    return {**named, "weights": start.as_posix(), **merged}


def _defaults(params: Params, run: str, name: str) -> Any:
    """Return the default values of a run's section."""
    if name == "model" and params.value("runs", run, "network") != DEFAULT_NETWORK:
        return {}
    return params.value("defaults", name)


def _holds(value: Any, place: tuple[str, ...]) -> bool:
    """Return True if ``value`` itself holds a value at ``place``."""
    for key in place:
        if not isinstance(value, Mapping):
            break
        if key not in value:
            return False
        value = value[key]
    return True
