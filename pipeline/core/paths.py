"""Paths of all files, relative to the folder of ``dvc.yaml``, in which DVC runs every stage.

A run of another graph below this folder has that graph's folder before its name, such as
``ablation/dropout_0``. Its parameters, model and metrics lie in that folder, its dataset in this.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

PARAMS = Path("params.yaml")
LIBRARIES = Path("libraries.yaml")
GATE = Path("gate.yaml")
LOGS = Path("logs")

DATA = Path("data")
LOCKS = DATA / "locks"
METRICS = Path("metrics")
NO_WEIGHTS = DATA / "weights" / "none"
"""The placeholder in ``runs.<run>.weights`` of a run that starts from fresh weights."""


def studies() -> list[Path]:
    """Return the folders of studies, DVC projects within this one such as ``ablation``, by name."""
    projects = (path.parent for path in Path().glob("*/.dvc"))
    return sorted(folder for folder in projects if (folder / PARAMS).exists())


def raw(dataset: str) -> Path:
    """Return the folder of the published files."""
    return DATA / "raw" / dataset


def extracted(dataset: str) -> Path:
    """Return the folder of the published files' content."""
    return DATA / "extracted" / dataset


def shards(dataset: str) -> Path:
    """Return the folder of decoded, normalized, labelled images."""
    return DATA / "shards" / dataset


def split(dataset: str) -> Path:
    """Return the Parquet file of the split."""
    return DATA / "splits" / f"{dataset}.parquet"


def data_card(dataset: str) -> Path:
    """Return the JSON file with the dataset's counts and statistics."""
    return METRICS / "datasets" / dataset / "data.json"


def quarantined(dataset: str) -> Path:
    """Return the CSV file that names the images that were left out."""
    return METRICS / "datasets" / dataset / "quarantined.csv"


def graph(run: str) -> Path:
    """Return the folder of a run's graph: ``ablation`` for ``ablation/dropout_0``."""
    return Path(run).parent


def params(run: str) -> Path:
    """Return the YAML file of a run's parameters."""
    return graph(run) / PARAMS


def model(run: str) -> Path:
    """Return the folder of the trained model."""
    return graph(run) / DATA / "models" / Path(run).name


def checkpoint(run: str) -> Path:
    """Return the file of an unfinished training's state after its last epoch."""
    return graph(run) / DATA / "checkpoints" / f"{Path(run).name}.npz"


def predictions(run: str) -> Path:
    """Return the Parquet file of the test subset's predictions."""
    return graph(run) / DATA / "predictions" / f"{Path(run).name}.parquet"


def export(run: str) -> Path:
    """Return the folder of the model as a SavedModel; it is no stage's output."""
    return DATA / "exports" / run


def metrics(run: str) -> Path:
    """Return the folder of a run's metrics and report."""
    return graph(run) / METRICS / "runs" / Path(run).name


def outputs(datasets: Iterable[str], runs: Iterable[str]) -> Iterator[Path]:
    """Yield the folders into which stages and commands write."""
    for dataset in datasets:
        yield from (raw(dataset), extracted(dataset), shards(dataset), split(dataset).parent)
        yield data_card(dataset).parent
    for run in runs:
        yield from (model(run), predictions(run).parent, checkpoint(run).parent, metrics(run))
    yield from (LOGS, LOCKS, DATA / "exports")
