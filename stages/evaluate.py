"""Evaluate a run's model on the test subset: metrics, and a prediction for every image."""

from collections import Counter

from pipeline import runs
from pipeline.core import console, files, paths, stage
from pipeline.core.params import Params
from pipeline.evaluate import advice, baseline, confusion, metrics, occlusion
from pipeline.evaluate.params import EvaluateParams
from pipeline.evaluate.predict import predict, probabilities
from pipeline.models import history, runtime, saved
from pipeline.subsets.images import Dataset
from pipeline.subsets.trained_on import TrainedOn

USES = ("h5py", "keras", "numpy", "pyarrow", "scikit-learn", "scipy", "tensorflow")


def work(run: str) -> str:
    """Write the predictions, ``evaluation.json``, ``metrics.json`` and ``confusion.csv``."""
    params = Params.read(paths.params(run))
    section = runs.section(params, run, "evaluate", EvaluateParams)
    runtime.configure(seed=0, threads=section.threads)
    trained = saved.load_model(paths.model(run))
    trained_on = runs.section(params, run, "train", TrainedOn)
    dataset, folder = trained_on.of(Dataset.read(runs.dataset(params, run))), paths.metrics(run)
    # The validation subset's, from training: of runs whose weights are elsewhere too.
    curves = history.read(folder / "history.csv")
    validation = metrics.validated(
        curves,
        runs.section(params, run, "train", history.Stopped),
        len(dataset.split.rows("validation")),
    )
    train, test = dataset.images("train", "test")
    on_train = predict(trained, train, section.batch_size)
    predictions = predict(trained, test, section.batch_size, section.views)
    train_accuracy = float(on_train.correct.mean())
    measured = metrics.evaluate(
        predictions, trained.classes, train_accuracy, section.calibration_bins, validation
    )
    maps = occlusion.of(
        predictions,
        test,
        section.occlusion,
        lambda images: probabilities(trained, images, section.views),
    )
    predictions.write(paths.predictions(run), maps)
    measured.write(folder / "evaluation.json")
    measured.write_headline(folder / "metrics.json")
    confusion.write(folder / "confusion.csv", predictions, trained.classes)
    counts = Counter(train.labels.tolist())
    images = {name: counts[label] for label, name in enumerate(trained.classes)}
    for line in advice.warnings(curves, measured, images):
        console.warning(f"{run}: {line}")
    guess = baseline.baseline(measured)
    return (
        f"accuracy {measured.accuracy:.4f} on {measured.n:,} test images (chance "
        f"{guess.chance:.4f}, majority {guess.majority:.4f}), "
        f"{files.megabytes(paths.predictions(run))}"
    )


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="RUN")
