"""Evaluate a run's model on the test subset: metrics, and a prediction for every image."""

import numpy as np

from pipeline import runs
from pipeline.core import files, paths, stage
from pipeline.core.params import Params
from pipeline.evaluate import confusion, metrics
from pipeline.evaluate.params import EvaluateParams
from pipeline.evaluate.predict import predict
from pipeline.models import runtime, saved
from pipeline.subsets.images import Dataset

USES = ("h5py", "keras", "numpy", "pyarrow", "scikit-learn", "scipy", "tensorflow")


def work(run: str) -> str:
    """Write ``data/predictions/<run>.parquet``, ``evaluation.json`` and ``confusion.csv``."""
    params = Params.read(paths.params(run))
    section = runs.section(params, run, "evaluate", EvaluateParams)
    runtime.configure(seed=0, threads=section.threads)
    trained = saved.load_model(paths.model(run))
    train, test = Dataset.read(runs.dataset(params, run)).images("train", "test")
    on_train = predict(trained, train, section.batch_size)
    predictions = predict(trained, test, section.batch_size, section.views)
    train_accuracy = float(np.mean(on_train.correct))
    measured = metrics.evaluate(
        predictions, trained.classes, train_accuracy, section.calibration_bins
    )
    predictions.write(paths.predictions(run))
    measured.write(paths.metrics(run) / "evaluation.json")
    confusion.write(paths.metrics(run) / "confusion.csv", predictions, trained.classes)
    size = files.megabytes(paths.predictions(run))
    return f"accuracy {measured.accuracy:.4f} on {measured.n:,} test images, {size}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="RUN")
