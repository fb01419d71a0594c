"""Comparing the predictions of two runs."""

import json
import shutil

import numpy as np
import pytest

from pipeline.evaluate.predictions import Predictions
from tests.support.builders import ROOT


def write(path, accuracy, seed):
    """Write predictions of 300 images in three classes, about so many of them right."""
    labels = (np.arange(300) % 3).astype(np.int32)
    is_right = np.random.default_rng(seed).random(300) < accuracy
    predicted = np.where(is_right, labels, (labels + 1) % 3).astype(np.int32)
    ids = [f"image-{row}" for row in range(300)]
    probabilities = np.eye(3, dtype=np.float32)[predicted]
    Predictions(ids, labels, predicted, probabilities).write(path)


@pytest.mark.slow
def test_compare_two_runs(call, project):
    write(project.folder / "data/predictions/tiny_idx.parquet", 0.8, 1)
    write(project.folder / "data/predictions/tiny_png.parquet", 0.8, 2)
    done = call("compare", "tiny_idx", "tiny_png")
    assert "McNemar's exact test: p = " in done.stdout
    assert (
        json.loads(call("compare", "tiny_idx", "tiny_png", "--format", "json").stdout)["n"] == 300
    )
    for run in "tiny_jdx", "tiny_jdx@main":
        assert call("compare", run, "x").returncode == 1
    said = call("compare", "tiny_idx", "tiny_pnq").stderr
    assert "runs.tiny_pnq is missing; did you mean tiny_png? runs has: tiny_idx, tiny_png" in said
    metrics = project.folder / "metrics/runs/tiny_png"
    metrics.mkdir(parents=True)
    shutil.copy(ROOT / "metrics/runs/fashion_mnist_best/evaluation.json", metrics)
    said = call("compare", "tiny_idx", "tiny_png").stderr
    assert "tiny_png.parquet is of another version than metrics/runs/tiny_png: 0.8" in said
    assert "recorded are 0.9462; get it with python -m pipeline pull, or run: dvc repro" in said
    (project.folder / "data/predictions/tiny_png.parquet").unlink()
    said = call("compare", "tiny_idx", "tiny_png").stderr
    assert "tiny_png.parquet is missing; get it with dvc pull, or run: dvc repro evaluate@" in said


@pytest.mark.slow
def test_compare_runs_of_a_study(call, project):
    study = project.folder / "ablation"
    study.mkdir()
    run = {
        "dataset": "tiny_png",
        "network": "cnn",
        "weights": "data/weights/none",
        "model": {},
        "train": {},
        "evaluate": {},
    }
    values = {"datasets": {"tiny_png": {}}, "defaults": {}, "runs": {"plain_0": run}}
    (study / "params.yaml").write_text(json.dumps(values))
    write(study / "data/predictions/plain_0.parquet", 0.8, 1)
    write(project.folder / "data/predictions/tiny_png.parquet", 0.9, 2)
    done = call("compare", "ablation/plain_0", "tiny_png")
    assert "ablation/plain_0: accuracy 0.8" in done.stdout, done.stderr
    assert "emu" in done.stdout
