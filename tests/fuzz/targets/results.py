"""What stages wrote and others read back: indices, splits, predictions, metrics."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.core.params import Section
from pipeline.evaluate import confusion
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.predictions import Predictions
from pipeline.models import history
from pipeline.shards.index import Index
from pipeline.subsets import split
from pipeline.subsets.data_card import DataCard
from tests.fuzz.target import Target
from tests.support.builders import ROOT

METRICS = ROOT / "metrics"
INDEX = {
    "version": 1,
    "format": "parquet",
    "shape": [8, 8, 3],
    "classes": ["cat", "dog"],
    "divisor": 255,
    "rows": 4,
    "files": [{"name": "part-00000.parquet", "rows": 4, "bytes": 1, "sha256": "00" * 32}],
    "quarantined": [{"id": "a", "name": "a.png", "reason": "is empty", "class_name": "cat"}],
    "convert": {"alpha": "white"},
    "converted": {"alpha": 1},
    "content_sha256": "11" * 32,
}


def read_index(content: bytes, folder: Path) -> None:
    """Read an index; what is read says how many rows there are."""
    (folder / "index.json").write_bytes(content)
    index = Index.read(folder)
    assert index.rows == sum(file.rows for file in index.files)
    json.dumps(index.model_dump(mode="json")).encode()


def seed_index(folder: Path) -> None:
    """An index with all its keys, and one without those that may lack."""
    (folder / "all").write_text(json.dumps(INDEX))
    few = {key: value for key, value in INDEX.items() if not key.startswith("convert")}
    (folder / "few").write_text(json.dumps(few | {"files": [], "rows": 0, "quarantined": []}))


def read_split(content: bytes, folder: Path) -> None:
    """Read a split; every row is in one subset."""
    path = folder / "split.parquet"
    path.write_bytes(content)
    found = split.read(path)
    assert sum(len(found.rows(subset)) for subset in split.SUBSETS) == len(found.ids)
    found.ids.to_pylist()


def seed_split(folder: Path) -> None:
    """Splits of no image and of some."""
    for n in (0, 5):
        ids = pa.chunked_array([pa.array([str(row) for row in range(n)], pa.string())])
        split.write(folder / str(n), split.Split(ids, (np.arange(n) % 3).astype(np.int8)))


def read_predictions(content: bytes, folder: Path) -> None:
    """Read predictions; what follows from them can be computed."""
    path = folder / "predictions.parquet"
    path.write_bytes(content)
    found = Predictions.read(path)
    assert found.confusion().sum() == len(found.ids)
    assert ((found.confidence >= 0) & (found.confidence <= 1.001)).all()


def seed_predictions(folder: Path) -> None:
    """Predictions of no image and of some."""
    eye = np.eye(3, dtype=np.float32)
    for n in (0, 6):
        rows = (np.arange(n) % 3).astype(np.int32)
        ids = [str(row) for row in range(n)]
        Predictions(ids, rows, rows, eye[rows]).write(folder / str(n))


def read_metrics(content: bytes, folder: Path) -> None:
    """Read a file as each of the metrics; its first byte says which."""
    kind, path = content[:1], folder / "metrics"
    path.write_bytes(content[1:])
    models: dict[bytes, Callable[[Path], Section]] = {b"e": Evaluation.read, b"d": DataCard.read}
    if kind in models:
        json.dumps(models[kind](path).model_dump(mode="json"), allow_nan=False).encode()
    elif kind == b"h":
        assert all(np.isfinite(values).all() for values in history.read(path).values())
    else:
        assert all(count > 0 for count in confusion.read(path).values())


def seed_metrics(folder: Path) -> None:
    """The committed metrics of the demos, a history and a table of confusions."""
    for kind, path in (
        ("e", METRICS / "runs/demo_idx/evaluation.json"),
        ("d", METRICS / "datasets/demo_png/data.json"),
        ("h", METRICS / "runs/demo_idx/history.csv"),
    ):
        (folder / kind).write_bytes(kind.encode() + path.read_bytes())
    (folder / "c").write_text('cactual,predicted\ncat,"a ""dog"""\ncat,cat\n')


TARGETS = {
    "index": Target(read_index, seed_index),
    "split": Target(read_split, seed_split),
    "predictions": Target(read_predictions, seed_predictions),
    "metrics": Target(read_metrics, seed_metrics),
}
