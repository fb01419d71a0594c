"""Checks of the parameters as a whole, as ``python -m pipeline check`` makes them."""

from collections.abc import Iterator
from typing import Any, get_type_hints

from pipeline import (
    datasets,
    decoding,
    evaluation,
    extracted,
    hugging_face,
    network,
    raw,
    report,
    runs,
    splitting,
    training,
)
from pipeline.ablation import AblationParams, StudyRun, by_change
from pipeline.errors import ParameterError
from pipeline.params import Name, Params, Section


class IdxDataset(Section):
    """``datasets.<name>`` of kind ``idx``."""

    kind: datasets.Kind
    download: raw.DownloadParams
    extract: extracted.IdxExtract
    decode: decoding.IdxDecode
    split: splitting.IdxSplit


class ArchiveDataset(Section):
    """``datasets.<name>`` of kind ``archive``."""

    kind: datasets.Kind
    download: raw.DownloadParams
    extract: extracted.ArchiveExtract
    decode: decoding.ArchiveDecode
    split: splitting.OwnSplit


class ParquetDataset(Section):
    """``datasets.<name>`` of kind ``parquet``."""

    kind: datasets.Kind
    download: raw.DownloadParams
    extract: hugging_face.ParquetExtract
    decode: decoding.ArchiveDecode
    split: splitting.ArchiveSplit


DATASETS: dict[datasets.Kind, type[Section]] = {
    "idx": IdxDataset,
    "archive": ArchiveDataset,
    "parquet": ParquetDataset,
}


class Defaults(Section):
    """``defaults``: every value of every run."""

    model: network.ModelParams
    train: training.TrainParams
    evaluate: evaluation.EvaluateParams
    report: report.ReportParams


class Top(Section):
    """The top level of ``params.yaml``."""

    datasets: dict[Name, Any]
    defaults: Defaults
    runs: dict[Name, runs.Run]


class StudyDefaults(Section):
    """``defaults`` of an ablation study, which writes no report of each run."""

    model: network.ModelParams
    train: training.TrainParams
    evaluate: evaluation.EvaluateParams


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
            params.section(DATASETS[datasets.kind(params, name)], "datasets", name)
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
