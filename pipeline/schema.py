"""Schema of ``params.yaml``, composed of the models of all sections, and checks against it."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import create_model

from pipeline import runs
from pipeline.ablation.study import AblationParams, by_change
from pipeline.core import paths
from pipeline.core.errors import ParameterError
from pipeline.core.params import Name, Params, Section
from pipeline.decode.decoders import DECODERS
from pipeline.download.params import DownloadParams
from pipeline.evaluate.params import EvaluateParams
from pipeline.extract.extractors import EXTRACTORS
from pipeline.extract.kind import Kind, kind_of
from pipeline.models import families
from pipeline.report.params import ReportParams
from pipeline.split.splitters import SPLITTERS
from pipeline.train.params import TrainParams, start_fault

DATASETS: dict[Kind, type[Section]] = {
    kind: create_model(
        f"{kind.title()}Dataset",
        __base__=Section,
        __doc__=f"``datasets.<name>`` of kind ``{kind}``.",
        kind=(Kind, ...),
        download=(DownloadParams, ...),
        extract=(EXTRACTORS[kind].params, ...),
        decode=(DECODERS[kind].params, ...),
        split=(SPLITTERS[kind].params, ...),
    )
    for kind in get_args(Kind)
}
"""The model of ``datasets.<name>``, by kind of dataset."""


class Defaults(Section):
    """``defaults``, the values of all runs' parameters."""

    model: dict[str, Any]
    """Of the network ``cnn``."""
    train: TrainParams
    evaluate: EvaluateParams
    report: ReportParams


class Top(Section):
    """The top level of ``params.yaml``."""

    datasets: dict[Name, Any]
    defaults: Defaults
    runs: dict[Name, runs.Run]


class StudyDefaults(Section):
    """``defaults`` of an ablation study, whose runs have no reports."""

    model: dict[str, Any]
    """Of the network ``cnn``."""
    train: TrainParams
    evaluate: EvaluateParams


class Study(Section):
    """The top level of an ablation study's ``params.yaml``."""

    datasets: dict[Name, Any]
    defaults: StudyDefaults
    ablation: AblationParams
    runs: dict[Name, runs.StudyRun]


def check_study(params: Params, main: Params) -> str:
    """Validate all sections of an ablation study.

    Parameters
    ----------
    params : Params
        The study's parameters.
    main : Params
        The main parameters, which have the datasets.

    Returns
    -------
    str
        Numbers of valid runs and changes, for the console.

    Raises
    ------
    ParameterError
        With all faults.
    """
    faults = list(_study_faults(params, main))
    if faults:
        raise ParameterError("; ".join(dict.fromkeys(faults)))
    changes = by_change(params)
    return f"{params.path}: {len(params.value('runs'))} runs of {len(changes)} changes are valid"


def check_params(params: Params) -> str:
    """Validate all sections of ``params.yaml``.

    Returns
    -------
    str
        Numbers of valid datasets and runs, for the console.

    Raises
    ------
    ParameterError
        With all faults.
    """
    faults = list(_faults(params))
    if faults:
        raise ParameterError("; ".join(dict.fromkeys(faults)))
    counts = [f"{len(params.value(key))} {key}" for key in ("datasets", "runs")]
    return f"{params.path}: {' and '.join(counts)} are valid"


def _faults(params: Params) -> Iterator[str]:
    try:
        params.section(Top)
    except ParameterError as error:
        yield str(error)
        return
    for name in params.value("datasets"):
        try:
            params.section(DATASETS[kind_of(params, name)], "datasets", name)
        except ParameterError as error:
            yield str(error)
    yield from _run_faults(params, Defaults, Path())


def _study_faults(params: Params, main: Params) -> Iterator[str]:
    try:
        params.section(Study)
        by_change(params)
    except ParameterError as error:
        yield str(error)
        return
    for name in params.value("datasets"):
        if name not in main.value("datasets"):
            yield f"{params.path}: datasets.{name}: there is no such dataset in {main.path}"
    yield from _run_faults(params, StudyDefaults, params.path.parent)


def _run_faults(params: Params, defaults: type[Section], folder: Path) -> Iterator[str]:
    """Yield the faults of all runs of a graph, which lies in ``folder``."""
    for run in params.value("runs"):
        try:
            runs.dataset(params, run)
        except ParameterError as error:
            yield str(error)
        for name, model in get_type_hints(defaults).items():
            try:
                if name == "model":
                    model = families.family(runs.network(params, run)).params
                section = runs.section(params, run, name, model)
                if isinstance(section, TrainParams) and (
                    fault := start_fault(section, runs.weights(params, run))
                ):
                    yield f"{params.path}: runs.{run}: {fault}"
            except ParameterError as error:
                yield str(error)
    try:
        starts = {run: runs.weights(params, run) for run in params.value("runs")}
    except ParameterError as error:
        yield str(error)
        return
    yield from _start_faults(params, starts, folder)


def _start_faults(params: Params, starts: Mapping[str, Path | None], folder: Path) -> Iterator[str]:
    """Yield the runs that start from no run, or from themselves by way of others."""
    models = {paths.model(str(folder / run)): run for run in starts}
    place = next(iter(models), Path()).parent
    before: dict[str, str] = {}
    for run, start in starts.items():
        if start in models:
            before[run] = models[start]
        elif start is not None and start.parent == place:
            yield (
                f"{params.path}: runs.{run}.weights: there is no run {start.name!r}; there are: "
                f"{', '.join(starts)}"
            )
    try:
        TopologicalSorter({run: [start] for run, start in before.items()}).prepare()
    except CycleError as error:
        yield (
            f"{params.path}: runs start from each other's weights: "
            f"{' from '.join(reversed(error.args[1]))}; let one of them start from "
            f"{paths.NO_WEIGHTS}"
        )
