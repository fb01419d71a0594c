"""Checks of the parameters as a whole, as ``python -m pipeline check`` makes them."""

from collections.abc import Iterator
from typing import Any, get_type_hints

from pipeline import runs
from pipeline.ablation.study import AblationParams, StudyRun, by_change
from pipeline.core.errors import ParameterError
from pipeline.core.params import Name, Params, Section
from pipeline.decode.params import ArchiveDecode, IdxDecode
from pipeline.download.params import DownloadParams
from pipeline.evaluate.params import EvaluateParams
from pipeline.extract import kind as dataset_kind
from pipeline.extract.archive import ArchiveExtract
from pipeline.extract.hugging_face import ParquetExtract
from pipeline.extract.idx import IdxExtract
from pipeline.models.params import ModelParams
from pipeline.report.params import ReportParams
from pipeline.split.params import ArchiveSplit, IdxSplit, OwnSplit
from pipeline.train.params import TrainParams


class IdxDataset(Section):
    """``datasets.<name>`` of kind ``idx``."""

    kind: dataset_kind.Kind
    download: DownloadParams
    extract: IdxExtract
    decode: IdxDecode
    split: IdxSplit


class ArchiveDataset(Section):
    """``datasets.<name>`` of kind ``archive``."""

    kind: dataset_kind.Kind
    download: DownloadParams
    extract: ArchiveExtract
    decode: ArchiveDecode
    split: OwnSplit


class ParquetDataset(Section):
    """``datasets.<name>`` of kind ``parquet``."""

    kind: dataset_kind.Kind
    download: DownloadParams
    extract: ParquetExtract
    decode: ArchiveDecode
    split: ArchiveSplit


DATASETS: dict[dataset_kind.Kind, type[Section]] = {
    "idx": IdxDataset,
    "archive": ArchiveDataset,
    "parquet": ParquetDataset,
}


class Defaults(Section):
    """``defaults``: every value of every run."""

    model: ModelParams
    train: TrainParams
    evaluate: EvaluateParams
    report: ReportParams


class Top(Section):
    """The top level of ``params.yaml``."""

    datasets: dict[Name, Any]
    defaults: Defaults
    runs: dict[Name, runs.Run]


class StudyDefaults(Section):
    """``defaults`` of an ablation study, which writes no report of each run."""

    model: ModelParams
    train: TrainParams
    evaluate: EvaluateParams


class Study(Section):
    """The top level of an ablation study's ``params.yaml``."""

    datasets: dict[Name, Any]
    defaults: StudyDefaults
    ablation: AblationParams
    runs: dict[Name, StudyRun]


def check_study(params: Params, main: Params) -> str:
    """Validate all sections of an ablation study; ``main`` has the datasets.

    Returns
    -------
    str
        What was found to be well, for the console.

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
    """Validate all sections.

    Returns
    -------
    str
        What was found to be well, for the console.

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
            params.section(DATASETS[dataset_kind.kind(params, name)], "datasets", name)
        except ParameterError as error:
            yield str(error)
    yield from _run_faults(params, Defaults)


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
    yield from _run_faults(params, StudyDefaults)


def _run_faults(params: Params, defaults: type[Section]) -> Iterator[str]:
    for run in params.value("runs"):
        try:
            runs.dataset(params, run)
        except ParameterError as error:
            yield str(error)
        for name, model in get_type_hints(defaults).items():
            try:
                runs.section(params, run, name, model)
            except ParameterError as error:
                yield str(error)
