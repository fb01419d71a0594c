"""Verification of everything that is here, without training anything."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import runs, schema
from pipeline.core import files, paths
from pipeline.core.errors import PipelineError, first_few, shown
from pipeline.core.params import Params
from pipeline.download.params import DownloadParams
from pipeline.evaluate import confusion
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import evaluate
from pipeline.evaluate.params import EvaluateParams
from pipeline.evaluate.predictions import Predictions
from pipeline.models import architecture, weights
from pipeline.repository import lock_check, remote_check
from pipeline.shards import shard
from pipeline.shards.index import INDEX, Index, integers
from pipeline.split import quarantine
from pipeline.split.data_card import data_card
from pipeline.split.splitters import split
from pipeline.subsets.data_card import DataCard
from pipeline.subsets.images import Dataset


def faults(params: Params, remote: str | None = None) -> Iterator[str]:
    """Verify parameters, recorded stages, published files, shards, splits, models and evaluations.

    A file that follows from others is computed again from these. So an edit is found even where
    ``dvc.lock`` was edited to match.

    Parameters
    ----------
    remote : str, optional
        Name of a DVC remote to verify too; an empty one means the default remote.

    Yields
    ------
    str
        A fault. Files that are not here, since they were not made or pulled, are not verified.
    """
    try:
        schema.check_params(params)
    except PipelineError as error:
        yield str(error)
        return
    yield from _tried("dvc.lock", lock_check.faults())
    for name in params.value("datasets"):
        if paths.raw(name).exists():
            yield from _tried(paths.raw(name), raw_faults(params, name))
        if paths.shards(name).exists():
            yield from _tried(paths.shards(name), shard_faults(name))
        if paths.split(name).exists() and paths.shards(name).exists():
            yield from _tried(paths.split(name), split_faults(params, name))
    for run in params.value("runs"):
        if paths.model(run).exists():
            yield from _tried(paths.model(run), model_faults(params, run))
        if paths.predictions(run).exists():
            yield from _tried(paths.metrics(run), evaluation_faults(params, run))
    if remote is not None:
        yield from _tried("remote", remote_check.remote_faults(remote))


def raw_faults(params: Params, dataset: str) -> Iterator[str]:
    """Compare a dataset's published files with their pins in the parameters."""
    for file in params.section(DownloadParams, "datasets", dataset, "download").files:
        path = paths.raw(dataset) / file.name
        if not path.exists():
            yield f"{path} is missing; run dvc repro --force download@{dataset}"
        elif file.sha256 not in (None, files.sha256(path)):
            yield (
                f"{path}: its SHA-256 is not the one pinned in {params.path}; run "
                f"dvc repro --force download@{dataset}"
            )


def shard_faults(dataset: str) -> Iterator[str]:
    """Compare a dataset's shards with their index, and their images with their digests."""
    folder = paths.shards(dataset)
    index = Index.read(folder)
    expected = {INDEX, *(file.name for file in index.files)}
    surplus = sorted(path.name for path in folder.iterdir() if path.name not in expected)
    if surplus:
        yield f"{folder}: {first_few(surplus)} not in {INDEX}; decode again"
    content = hashlib.sha256()
    for file in index.files:
        path = folder / file.name
        if not path.exists():
            yield f"{path} is missing; run dvc repro"
            return
        if files.sha256(path) != file.sha256:
            yield f"{path}: its SHA-256 is not the one in {INDEX}; decode again"
            return
        if _digests(path, index) != shard.column(path, "sha256", pa.binary(32)).to_pylist():
            yield f"{path}: its images do not have the digests beside them; decode again"
        content.update(shard.identity(path))
    if content.hexdigest() != index.content_sha256:
        yield f"{folder}: content_sha256 in {INDEX} is not that of the rows; decode again"


def split_faults(params: Params, dataset: str) -> Iterator[str]:
    """Divide a dataset again, count it again, and compare with its split and its data card."""
    data = Dataset.read(dataset)  # refuses other ids than those of the shards
    section = params.value("datasets", dataset, "split")
    needs_table = any(section.get(key) is not None for key in ("column", "groups"))
    if not needs_table or paths.extracted(dataset).exists():
        computed = split(params, dataset, data.folder, data.index)
        if (computed.subsets != data.split.subsets).any():
            yield f"{paths.split(dataset)} is not what the parameters give; split again"
    path = paths.data_card(dataset)
    card = data_card(dataset, data.folder, data.index, data.split).model_dump(mode="json")
    if different := _different(card, DataCard.read(path).model_dump(mode="json")):
        yield f"{path}: {first_few(different)} do not follow from shards and split; split again"
    path = paths.quarantined(dataset)
    if not path.exists() or files.read_text(path) != quarantine.text(data.index.quarantined):
        yield f"{path}: is not what {INDEX} says was left out; split again"


def evaluation_faults(params: Params, run: str) -> Iterator[str]:
    """Compute a run's evaluation again from its predictions, and compare."""
    folder = paths.metrics(run)
    path = paths.predictions(run)
    predictions = Predictions.read(path)
    name = runs.dataset(params, run)
    if paths.split(name).exists() and paths.shards(name).exists():
        dataset = Dataset.read(name)
        test = dataset.split.rows("test")
        ids = dataset.split.ids.take(test).to_pylist()
        if predictions.ids != ids or (predictions.labels != dataset.labels()[test]).any():
            yield f"{path} are not of {name}'s test subset; evaluate again"
            return
    if (predictions.predicted != predictions.probabilities.argmax(axis=1)).any():
        yield f"{path}: some predicted classes are not the most probable ones; evaluate again"
    classes = params.value("datasets", name, "decode", "classes")
    recorded = Evaluation.read(folder / "evaluation.json")
    section = runs.section(params, run, "evaluate", EvaluateParams)
    computed = evaluate(predictions, classes, recorded.train_accuracy, section.calibration_bins)
    if different := _different(computed.model_dump(), recorded.model_dump()):
        yield (
            f"{folder / 'evaluation.json'}: {first_few(different)} do not follow from the "
            "predictions; evaluate again"
        )
    table = folder / "confusion.csv"
    if table.exists():  # DVC's, so it may not have been pulled
        with tempfile.TemporaryDirectory() as work:
            again = Path(work, table.name)
            confusion.write(again, predictions, classes)
            if files.sha256(again) != files.sha256(table):
                yield f"{table} does not follow from the predictions; evaluate again"


def model_faults(params: Params, run: str) -> Iterator[str]:
    """Read all weights of a run's model, whose digest is compared, and compare its classes."""
    folder = paths.model(run)
    about = architecture.read(folder)
    with weights.opened(folder) as stored:
        for layer in stored.layers:
            for array in layer.arrays:
                array.read()
    name = runs.dataset(params, run)
    if about.classes != tuple(params.value("datasets", name, "decode", "classes")):
        yield f"{folder} has other classes than {name}; train again"


def without_digest(params: Params) -> list[str]:
    """Return the runs whose models, of versions before 0.2.0, record no digest of their weights."""
    here = [run for run in params.value("runs") if paths.model(run).exists()]
    return [run for run in here if architecture.read(paths.model(run)).weights_sha256 is None]


def _digests(path: Path, index: Index) -> list[bytes]:
    """Return the SHA-256 of each image of a shard, as it was decoded."""
    return [
        hashlib.sha256(image.astype(image.dtype.newbyteorder("<")).data).digest()
        for batch in shard.images(path, index.shape)
        for image in integers(batch, index.divisor)
    ]


def _different(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ by more than the rounding of floats."""
    return sorted(key for key in {*one, *two} if not _same(one.get(key), two.get(key)))


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, dict) and isinstance(two, dict):
        return not _different(one, two)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_same, one, two))
    if isinstance(one, float) and isinstance(two, float):
        return bool(np.isclose(one, two, rtol=1e-9, atol=0))
    return type(one) is type(two) and bool(one == two)


def _tried(what: Path | str, faults: Iterator[str]) -> Iterator[str]:
    """Yield the faults, and the error that ended the search for them, if one did."""
    try:
        yield from faults
    except PipelineError as error:
        yield str(error)
    except MemoryError:
        raise
    except Exception as error:  # of damaged data
        reason = shown(f"{type(error).__name__}: {error}", 160, instead=" ")
        yield f"{what} cannot be verified ({reason}); run dvc repro"
