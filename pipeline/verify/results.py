"""Verification of runs: models, predictions and metrics."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from pipeline import runs
from pipeline.core import files, paths
from pipeline.core.errors import first_few
from pipeline.core.params import Params
from pipeline.evaluate import confusion
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import evaluate, validated
from pipeline.evaluate.params import EvaluateParams
from pipeline.evaluate.predict import predict
from pipeline.evaluate.predictions import Predictions
from pipeline.models import architecture, history, runtime, saved, weights
from pipeline.subsets.data_card import DataCard
from pipeline.subsets.images import Dataset
from pipeline.subsets.trained_on import TrainedOn
from pipeline.verify.difference import different

MOST_PREDICTED = 20_000
"""Training and test images of a run that is predicted again without being asked."""
ROUNDING = {"float32": 1e-3, "bfloat16": 0.05}
"""By how much probabilities may differ on another type of machine, by ``train.precision``."""
THREADS = 2
"""Of all predictions here: a process can set them only once, and they change the rounding alone."""


def metrics_faults(params: Params, run: str) -> Iterator[str]:
    """Compare a run's metrics with what Git alone tells: each other, its history, its dataset."""
    folder = paths.metrics(run)
    path = folder / "evaluation.json"
    recorded = Evaluation.read(path)
    card = paths.data_card(runs.dataset(params, run))
    if card.exists():
        subsets = DataCard.read(card).subsets
        if {name: one.support for name, one in recorded.classes.items()} != subsets["test"].classes:
            yield f"{path}: its numbers of images are not those of {card}; evaluate again"
        if recorded.validation is not None:
            stopped = runs.section(params, run, "train", history.Stopped)
            curves = history.read(folder / "history.csv")
            if recorded.validation != validated(curves, stopped, subsets["validation"].n):
                yield f"{path}: validation is not that of history.csv; evaluate again"
    headline = folder / "metrics.json"
    beside = files.read_json(headline) if headline.exists() else recorded.headline()
    if not isinstance(beside, dict):
        yield f"{headline}: holds no metrics; evaluate again"
    elif keys := different(recorded.headline(), beside):
        yield f"{headline}: {first_few(keys)} are not those of {path.name}; evaluate again"


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
    computed = evaluate(
        predictions,
        classes,
        recorded.train_accuracy,
        section.calibration_bins,
        recorded.validation,
    )
    if keys := different(computed.model_dump(), recorded.model_dump()):
        yield (
            f"{folder / 'evaluation.json'}: {first_few(keys)} do not follow from the "
            "predictions; evaluate again"
        )
    table = folder / "confusion.csv"
    if table.exists():  # DVC's, so it may not have been pulled
        with tempfile.TemporaryDirectory() as work:
            again = Path(work, table.name)
            confusion.write(again, predictions, classes)
            if files.sha256(again) != files.sha256(table):
                yield f"{table} does not follow from the predictions; evaluate again"


def is_predictable(params: Params, run: str) -> bool:
    """Return True if all is here that predictions are made from."""
    name = runs.dataset(params, run)
    needed = (paths.model(run), paths.predictions(run), paths.split(name), paths.shards(name))
    return all(path.exists() for path in needed)


def too_large(params: Params, these: Iterable[str] | None = None) -> list[str]:
    """Return the runs, of these or of all, that are predicted again only if that is asked for."""
    return [
        run
        for run in (params.value("runs") if these is None else these)
        if is_predictable(params, run) and _images(params, run) > MOST_PREDICTED
    ]


def prediction_faults(params: Params, run: str, predict_all: bool = False) -> Iterator[str]:
    """Predict a run's test subset again with its model, and compare; its training accuracy too.

    Large runs are left out, unless ``predict_all``.
    """
    if not predict_all and run in too_large(params, [run]):
        return
    path, section = paths.predictions(run), runs.section(params, run, "evaluate", EvaluateParams)
    recorded = Predictions.read(path)
    runtime.configure(seed=0, threads=THREADS)
    trained = saved.load_model(paths.model(run))
    trained_on = runs.section(params, run, "train", TrainedOn)
    train, test = trained_on.of(Dataset.read(runs.dataset(params, run))).images("train", "test")
    again = predict(trained, test, section.batch_size, section.views)
    precision = runs.resolve(params, run)["train"].get("precision", "float32")
    shapes = recorded.probabilities.shape, again.probabilities.shape
    if shapes[0] != shapes[1] or not np.allclose(
        recorded.probabilities, again.probabilities, rtol=0, atol=ROUNDING[precision]
    ):
        yield f"{path} are not what {paths.model(run)} predicts; evaluate again"
        return
    accuracy = float(np.mean(predict(trained, train, section.batch_size).correct))
    metrics = Evaluation.read(paths.metrics(run) / "evaluation.json")
    if abs(accuracy - metrics.train_accuracy) > ROUNDING[precision]:
        yield (
            f"{paths.metrics(run) / 'evaluation.json'}: train_accuracy is not that of "
            f"{paths.model(run)}; evaluate again"
        )


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


def _images(params: Params, run: str) -> int:
    trained_on = runs.section(params, run, "train", TrainedOn)
    split = trained_on.of(Dataset.read(runs.dataset(params, run))).split
    return len(split.rows("train")) + len(split.rows("test"))
