"""Verification: whether everything that is here agrees, without training anything."""

from collections.abc import Iterator

import numpy as np

from pipeline import checks, evaluation, files, paths, repo, runs, shards, splits
from pipeline.errors import PipelineError, first_few
from pipeline.evaluation import EvaluateParams
from pipeline.params import Params
from pipeline.predictions import Predictions
from pipeline.subsets import Dataset


def faults(params: Params) -> Iterator[str]:
    """Verify parameters, recorded stages, shards, splits and evaluations.

    Yields
    ------
    str
        What is wrong. What is not here, for it was not run or pulled, is not verified.
    """
    try:
        checks.check_params(params)
    except PipelineError as error:
        yield str(error)
        return
    yield from _tried(repo.faults())
    for dataset in params.value("datasets"):
        if (paths.shards(dataset) / shards.INDEX).exists():
            yield from _tried(shard_faults(dataset))
        if paths.split(dataset).exists() and paths.shards(dataset).exists():
            yield from _tried(split_faults(dataset))
    for run in params.value("runs"):
        if paths.predictions(run).exists():
            yield from _tried(evaluation_faults(params, run))


def shard_faults(dataset: str) -> Iterator[str]:
    """Compare a dataset's shards with their index."""
    folder = paths.shards(dataset)
    index = shards.Index.read(folder)
    for file in index.files:
        path = folder / file.name
        if not path.exists():
            yield f"{path} is missing; run dvc repro"
        elif files.sha256(path) != file.sha256:
            yield f"{path}: its SHA-256 is not the one in {shards.INDEX}; decode again"
    expected = {shards.INDEX, *(file.name for file in index.files)}
    surplus = sorted(path.name for path in folder.iterdir() if path.name not in expected)
    if surplus:
        yield f"{folder}: {first_few(surplus)} not in {shards.INDEX}; decode again"


def split_faults(dataset: str) -> Iterator[str]:
    """Check that a split divides the images of the shards, each once, as the data card counts."""
    split = Dataset.read(dataset).split  # refuses other ids than those of the shards
    path = paths.split(dataset)
    if len(split.ids.unique()) != len(split.ids):
        yield f"{path}: ids stand there more than once; split again"
    card = files.read_json(paths.data_card(dataset))
    for subset in splits.SUBSETS:
        n = len(split.rows(subset))
        if card["subsets"][subset]["n"] != n:
            yield f"{path}: {n:,} {subset} images are not those of {paths.data_card(dataset)}"


def evaluation_faults(params: Params, run: str) -> Iterator[str]:
    """Compute a run's evaluation again from its predictions, and compare."""
    path = paths.metrics(run) / "evaluation.json"
    recorded = files.read_json(path)
    predictions = Predictions.read(paths.predictions(run))
    name = runs.dataset(params, run)
    if paths.split(name).exists() and paths.shards(name).exists():
        dataset = Dataset.read(name)
        test = dataset.split.rows("test")
        ids = dataset.split.ids.take(test).to_pylist()
        if predictions.ids != ids or (predictions.labels != dataset.labels()[test]).any():
            yield f"{paths.predictions(run)} are not of {name}'s test subset; evaluate again"
            return
    section = runs.section(params, run, "evaluate", EvaluateParams)
    computed = evaluation.evaluate(
        predictions,
        params.value("datasets", name, "decode", "classes"),
        recorded["train_accuracy"],
        section.calibration_bins,
    )
    different = sorted(key for key in computed | recorded if not _equal(computed, recorded, key))
    if different:
        yield f"{path}: {first_few(different)} do not follow from the predictions; evaluate again"


def _equal(computed: dict[str, object], recorded: dict[str, object], key: str) -> bool:
    one, two = computed.get(key), recorded.get(key)
    if isinstance(one, float) and isinstance(two, float):
        return bool(np.isclose(one, two, rtol=1e-9))
    return one == two


def _tried(found: Iterator[str]) -> Iterator[str]:
    """The faults found, and the error that ended the search, if one did."""
    try:
        yield from found
    except PipelineError as error:
        yield str(error)
