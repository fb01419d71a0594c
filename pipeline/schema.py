"""Schema of ``params.yaml``, composed of the models of all sections, and checks against it."""

import json
import math
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from pydantic import Field, create_model

from pipeline import runs
from pipeline.ablation.study import AblationParams, by_change
from pipeline.core import paths
from pipeline.core.errors import ParameterError, first_few, shown
from pipeline.core.params import Name, Params, Section, told
from pipeline.decode.decoders import DECODERS
from pipeline.decode.params import ArchiveDecode
from pipeline.download.params import DownloadParams
from pipeline.evaluate.params import EvaluateParams
from pipeline.extract.extractors import EXTRACTORS
from pipeline.extract.kind import Kind, kind_of
from pipeline.models import families
from pipeline.models.params import size_fault
from pipeline.report.params import ReportParams
from pipeline.split.splitters import SPLITTERS
from pipeline.train.params import TrainParams, start_fault
from pipeline.transfer.study import TransferParams, groups

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


MOST = 1000
"""Datasets and runs of a graph; DVC takes long before."""
MAX_BATCH_BYTES = 64 << 30
"""Of the images of a batch, as float32; layers take a multiple."""
Datasets = Annotated[dict[Name, Any], Field(max_length=MOST)]


class Defaults(Section):
    """``defaults``, the values of all runs' parameters."""

    model: dict[str, Any]
    """Of the network ``cnn``."""
    train: TrainParams
    evaluate: EvaluateParams
    report: ReportParams


class Top(Section):
    """The top level of ``params.yaml``."""

    datasets: Datasets
    defaults: Defaults
    runs: Annotated[dict[Name, runs.Run], Field(max_length=MOST)]


class StudyDefaults(Section):
    """``defaults`` of a study, whose runs have no reports."""

    model: dict[str, Any]
    """Of the network ``cnn``."""
    train: TrainParams
    evaluate: EvaluateParams


class Study(Section):
    """The top level of a study's ``params.yaml``, but for its own section."""

    datasets: Datasets
    defaults: StudyDefaults
    runs: Annotated[dict[Name, runs.StudyRun], Field(max_length=MOST)]


class Ablation(Study):
    """The top level of an ablation study's, whose datasets the main graph prepares."""

    ablation: AblationParams


class Transfer(Study):
    """The top level of a study of fine-tuning, which prepares its datasets itself."""

    transfer: TransferParams


def check_study(params: Params, main: Params) -> str:
    """Validate all sections of a study, which is one of fine-tuning if it has that section.

    Parameters
    ----------
    params : Params
        The study's parameters.
    main : Params
        The main parameters, which have the datasets.

    Returns
    -------
    str
        Numbers of valid runs and what they compare, for the console.

    Raises
    ------
    ParameterError
        With all faults.
    """
    transfer = "transfer" in params.value()
    if faults := told(_transfer_faults(params) if transfer else _ablation_faults(params, main)):
        raise ParameterError(faults)
    compared = (
        f"{len(groups(params))} comparisons" if transfer else f"{len(by_change(params))} changes"
    )
    return f"{params.path}: {len(params.value('runs'))} runs of {compared} are valid"


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
    if faults := told(_faults(params)):
        raise ParameterError(faults)
    numbers = {key: len(params.value(key)) for key in ("datasets", "runs")}
    counts = [f"{n} {key if n != 1 else key.removesuffix('s')}" for key, n in numbers.items()]
    return f"{params.path}: {' and '.join(counts)} are valid"


def check_weights(params: Params) -> None:
    """Check that what runs start from is here, or that DVC knows how to get it.

    Raises
    ------
    ParameterError
        If it is neither here, nor a run's model, nor named by a ``.dvc`` file or in ``dvc.yaml``.
    """
    graph = Path("dvc.yaml").read_text(encoding="utf-8") if Path("dvc.yaml").is_file() else ""
    faults = (
        f"{params.path}: runs.{run}.weights: {path} is not here, and no DVC file names it; fetch "
        f"it once (dvc import-url URL {path}), or name {paths.NO_WEIGHTS} or a run's model"
        for run in params.value("runs")
        if (path := runs.weights(params, run)) and not (path.exists() or _is_tracked(path, graph))
    )
    if missing := told(faults):
        raise ParameterError(missing)


def _is_tracked(path: Path, graph: str) -> bool:
    """Return True if DVC can get a path: it or a folder above is a model, or has a file for DVC."""
    return path.as_posix() in graph or any(
        place == paths.model(place.name) or place.with_name(f"{place.name}.dvc").is_file()
        for place in (path, *path.parents)
        if place.name
    )


def _faults(params: Params) -> Iterator[str]:
    try:
        _top(params, Top)
    except ParameterError as error:
        yield str(error)
        return
    yield from _dataset_faults(params)
    yield from _run_faults(params, Defaults, Path())


def _top(params: Params, model: type[Section]) -> None:
    """Raise ParameterError if the top level is no ``model``, or a name is a number or nothing."""
    params.section(model)
    for key in ("datasets", "runs"):
        if other := [name for name in params.value(key) if not isinstance(name, str)]:
            name = shown(json.dumps(other[0], default=str))
            raise ParameterError(f"{params.path}: {key}: {name} must be text; write it in quotes")


def _dataset_faults(params: Params) -> Iterator[str]:
    for name in params.value("datasets"):
        try:
            params.section(DATASETS[kind_of(params, name)], "datasets", name)
        except ParameterError as error:
            yield str(error)


def _transfer_faults(params: Params) -> Iterator[str]:
    try:
        _top(params, Transfer)
        groups(params)
    except ParameterError as error:
        yield str(error)
        return
    yield from _dataset_faults(params)
    yield from _run_faults(params, StudyDefaults, Path())


def _ablation_faults(params: Params, main: Params) -> Iterator[str]:
    try:
        _top(params, Ablation)
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
    family = cache(families.family)
    for run in params.value("runs"):
        try:
            runs.dataset(params, run)
        except ParameterError as error:
            yield str(error)
        sections: dict[str, Section] = {}
        for name, model in get_type_hints(defaults).items():
            try:
                if name == "model":
                    model = family(runs.network(params, run)).params
                section = sections[name] = runs.section(params, run, name, model)
                if isinstance(section, TrainParams) and (
                    fault := start_fault(section, runs.weights(params, run))
                ):
                    yield f"{params.path}: runs.{run}: {fault}"
            except ParameterError as error:
                yield str(error)
        for fault in _size_faults(params, run, sections):
            yield f"{params.path}: runs.{run}.{fault}"
    try:
        starts = {run: runs.weights(params, run) for run in params.value("runs")}
    except ParameterError as error:
        yield str(error)
        return
    yield from _start_faults(params, starts, folder)


def _size_faults(params: Params, run: str, sections: Mapping[str, Section]) -> Iterator[str]:
    """Yield what a run would need more memory for than there is, where its images' shape is known.

    It is in the parameters of the kinds with archives. The others' is in their files.
    """
    try:
        decode = params.value("datasets", runs.dataset(params, run), "decode")
        known = ArchiveDecode.model_validate(
            {"classes": tuple(decode["classes"]), "shape": tuple(decode["shape"])}
        )
    except (ParameterError, ValueError, TypeError, KeyError):
        return  # not known, or told elsewhere
    shape, classes = known.shape, len(known.classes)
    weights = getattr(sections.get("model"), "weights", None)
    if weights and (fault := size_fault(0, weights(shape, classes))):
        yield f"model: {fault}"
    for name in ("train", "evaluate"):
        size = 4 * math.prod(shape) * getattr(sections.get(name), "batch_size", 0)
        if size > MAX_BATCH_BYTES:
            yield (
                f"{name}.batch_size: the images of a batch would take {size / 1e9:,.0f} GB, above "
                f"{MAX_BATCH_BYTES / 1e9:,.0f} GB"
            )


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
                f"{first_few(list(starts), 50)}"
            )
    try:
        TopologicalSorter({run: [start] for run, start in before.items()}).prepare()
    except CycleError as error:
        yield (
            f"{params.path}: runs start from each other's weights: "
            f"{' from '.join(list(reversed(error.args[1]))[:20])}; let one of them start from "
            f"{paths.NO_WEIGHTS}"
        )
