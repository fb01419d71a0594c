"""Where everything lies, relative to the folder of ``dvc.yaml``, in which DVC runs every stage."""

from pathlib import Path

PARAMS = Path("params.yaml")
LIBRARIES = Path("libraries.yaml")
GATE = Path("gate.yaml")
LOGS = Path("logs")

DATA = Path("data")
LOCKS = DATA / "locks"
METRICS = Path("metrics")


def raw(dataset: str) -> Path:
    """Folder of the published files."""
    return DATA / "raw" / dataset


def extracted(dataset: str) -> Path:
    """Folder of what the published files hold."""
    return DATA / "extracted" / dataset


def shards(dataset: str) -> Path:
    """Folder of decoded, normalized, labelled images."""
    return DATA / "shards" / dataset


def split(dataset: str) -> Path:
    """Parquet file of (id, subset)."""
    return DATA / "splits" / f"{dataset}.parquet"


def data_card(dataset: str) -> Path:
    """JSON file of the dataset's counts and statistics."""
    return METRICS / "datasets" / dataset / "data.json"


def model(run: str) -> Path:
    """Folder of the trained model."""
    return DATA / "models" / run


def checkpoint(run: str) -> Path:
    """File of an unfinished training's state after its last epoch."""
    return DATA / "checkpoints" / f"{run}.npz"


def predictions(run: str) -> Path:
    """Parquet file of the test subset's predictions."""
    return DATA / "predictions" / f"{run}.parquet"


def export(run: str) -> Path:
    """Folder of the model as a SavedModel; no stage's output."""
    return DATA / "exports" / run


def metrics(run: str) -> Path:
    """Folder of a run's metrics and report."""
    return METRICS / "runs" / run
