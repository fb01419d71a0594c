"""Checks of the parameters as a whole, as ``python -m pipeline check`` makes them."""

from collections.abc import Iterator
from typing import Any, get_type_hints

from pipeline import runs
from pipeline.ablation.study import AblationParams, StudyRun, by_change
from pipeline.core.errors import ParameterError
from pipeline.core.params import Name, Params, Section
from pipeline.decode import archive
from pipeline.download import fetch
from pipeline.evaluate import metrics
from pipeline.extract import archive as extract_archive
from pipeline.extract import hugging_face
from pipeline.extract import kind as dataset_kind
from pipeline.models import params as networks
from pipeline.report import write
from pipeline.split import divide
from pipeline.train import fit


class IdxDataset(Section):
    """``datasets.<name>`` of kind ``idx``."""

    kind: dataset_kind.Kind
    download: fetch.DownloadParams
    extract: extract_archive.IdxExtract
    decode: archive.IdxDecode
    split: divide.IdxSplit


class ArchiveDataset(Section):
    """``datasets.<name>`` of kind ``archive``."""

    kind: dataset_kind.Kind
    download: fetch.DownloadParams
    extract: extract_archive.ArchiveExtract
    decode: archive.ArchiveDecode
    split: divide.OwnSplit


class ParquetDataset(Section):
    """``datasets.<name>`` of kind ``parquet``."""

    kind: dataset_kind.Kind
    download: fetch.DownloadParams
    extract: hugging_face.ParquetExtract
    decode: archive.ArchiveDecode
    split: divide.ArchiveSplit


DATASETS: dict[dataset_kind.Kind, type[Section]] = {
    "idx": IdxDataset,
    "archive": ArchiveDataset,
    "parquet": ParquetDataset,
}


class Defaults(Section):
    """``defaults``: every value of every run."""

    model: networks.ModelParams
    train: fit.TrainParams
    evaluate: metrics.EvaluateParams
    report: write.ReportParams


class Top(Section):
    """The top level of ``params.yaml``."""

    datasets: dict[Name, Any]
    defaults: Defaults
    runs: dict[Name, runs.Run]


class StudyDefaults(Section):
    """``defaults`` of an ablation study, which writes no report of each run."""

    model: networks.ModelParams
    train: fit.TrainParams
    evaluate: metrics.EvaluateParams


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
