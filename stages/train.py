"""Train a run's network on its dataset's training subset."""

from pipeline.core import files, paths, stage
from pipeline.execution import machine
from pipeline.models import history, saved
from pipeline.train import fit, machine_type, multi_worker

USES = ("h5py", "keras", "numpy", "pyarrow", "tensorflow")


def work(run: str) -> str:
    """Write ``data/models/<run>/``, and ``history.csv`` and ``machine.json`` of its metrics."""
    multi_worker.expect(chief=True, run=run)
    done = fit.train_run(run, logs=paths.LOGS / run, checkpoint=paths.checkpoint(run))
    saved.save(done.model, paths.model(run), start=done.start)
    history.write_history(paths.metrics(run) / "history.csv", done.history)
    machine_type.here().write(machine.path(run))
    done.checkpoint.remove()
    counts = f"{done.model.network.count_params():,} parameters, {len(done.history)} epochs"
    return f"{counts}, {files.megabytes(paths.model(run))}"


if __name__ == "__main__":
    stage.main(work, uses=USES, description=__doc__, name="RUN")
