"""Train a run's network on its dataset's training subset."""

from pipeline import cluster, files, model, network, paths, runs, stage, training
from pipeline.params import Params
from pipeline.subsets import Dataset

USES = ("h5py", "keras", "numpy", "pyarrow", "tensorflow")


def work(run: str) -> str:
    """Write ``data/models/<run>/`` and ``metrics/runs/<run>/history.csv``."""
    cluster.expect(chief=True, run=run)
    params = Params.read(paths.params(run))
    trained, history, checkpoint = training.train(
        Dataset.read(runs.dataset(params, run)),
        runs.section(params, run, "model", network.ModelParams),
        runs.section(params, run, "train", training.TrainParams),
        logs=paths.LOGS / run,
        checkpoint=paths.checkpoint(run),
    )
    model.save(trained, paths.model(run))
    training.write_history(paths.metrics(run) / "history.csv", history)
    checkpoint.remove()
    counts = f"{trained.network.count_params():,} parameters, {len(history)} epochs"
    return f"{counts}, {files.megabytes(paths.model(run))}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="RUN")
