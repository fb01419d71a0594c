"""Train a run's network on its dataset's training subset."""

from pipeline import runs
from pipeline.core import files, paths, stage
from pipeline.core.params import Params
from pipeline.models import params as networks
from pipeline.models import saved
from pipeline.subsets.images import Dataset
from pipeline.train import cluster, fit

USES = ("h5py", "keras", "numpy", "pyarrow", "tensorflow")


def work(run: str) -> str:
    """Write ``data/models/<run>/`` and ``metrics/runs/<run>/history.csv``."""
    cluster.expect(chief=True, run=run)
    params = Params.read(paths.params(run))
    trained, history, checkpoint = fit.train(
        Dataset.read(runs.dataset(params, run)),
        runs.section(params, run, "model", networks.ModelParams),
        runs.section(params, run, "train", fit.TrainParams),
        logs=paths.LOGS / run,
        checkpoint=paths.checkpoint(run),
    )
    saved.save(trained, paths.model(run))
    fit.write_history(paths.metrics(run) / "history.csv", history)
    checkpoint.remove()
    counts = f"{trained.network.count_params():,} parameters, {len(history)} epochs"
    return f"{counts}, {files.megabytes(paths.model(run))}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="RUN")
