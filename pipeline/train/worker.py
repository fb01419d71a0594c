"""Worker: a machine that trains a run with others; the chief alone keeps the result."""

import tempfile
from pathlib import Path

from pipeline import runs
from pipeline.core import paths
from pipeline.core.params import Params
from pipeline.models import params as networks
from pipeline.subsets.images import Dataset
from pipeline.train import cluster, fit


def work(run: str) -> str:
    """Train a run with the other machines of ``TF_CONFIG``; nothing is kept here.

    Returns
    -------
    str
        What was done, for the console.

    Raises
    ------
    ParameterError
        If ``TF_CONFIG`` does not make this machine a worker.
    ClusterError
        If this machine differs from the chief.
    """
    cluster.expect(chief=False, run=run)
    params = Params.read(paths.params(run))
    with tempfile.TemporaryDirectory() as folder:
        _, history, _ = fit.train(
            Dataset.read(runs.dataset(params, run)),
            runs.section(params, run, "model", networks.ModelParams),
            runs.section(params, run, "train", fit.TrainParams),
            logs=Path(folder) / "logs",
            checkpoint=Path(folder) / "checkpoint.npz",
        )
    return f"{run}: trained, {len(history)} epochs; the chief has the result"
