"""A tiny ablation study."""

import json
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from pipeline.core import files, paths
from pipeline.evaluate.predictions import Predictions

N = 40
RUN = {
    "dataset": "shoes",
    "network": "cnn",
    "weights": "data/weights/none",
    "model": {},
    "train": {},
    "evaluate": {},
}
STUDY = {
    "datasets": {"shoes": {}},
    "defaults": {"model": {}, "train": {"seed": 0}, "evaluate": {}},
    "ablation": {"baseline": "plain", "dpi": 50},
    "runs": {
        "plain_0": RUN,
        "plain_1": RUN | {"train": {"seed": 1}},
        "more_dropout_0": RUN | {"model": {"dropout": 0.5}},
        "more_dropout_1": RUN | {"model": {"dropout": 0.5}, "train": {"seed": 1}},
        "late_0": RUN | {"train": {"epochs": 3}},
    },
}
ARCHITECTURE = {
    "parameters": 1234,
    "keras": {
        "config": {
            "layers": [
                {
                    "class_name": "Dense",
                    "config": {"units": 10},
                    "build_config": {"input_shape": [None, 64]},
                }
            ]
        }
    },
}


def write(values):
    """Write the parameters of ``study/``."""
    plain = json.loads(json.dumps(values))  # without YAML's aliases
    YAML(typ="safe", pure=True).dump(plain, Path("study/params.yaml"))


def write_evaluation(run, accuracy, train_accuracy, n=N):
    """Write the evaluation of a run all of whose test images are of the first class."""
    none = {"f1": 0.0, "precision": 0.0, "recall": 0.0, "support": 0}
    found = {
        "accuracy": accuracy,
        "accuracy_interval": {"low": 0.0, "high": 1.0},
        "classes": {"0": none | {"recall": accuracy, "support": n}, "1": none},
        "expected_calibration_error": 0.0,
        "loss": 1.0,
        "n": n,
        "train_accuracy": train_accuracy,
    }
    files.write_json(paths.metrics(run) / "evaluation.json", found)


def evaluate(run, seed, n=N):
    """Write what the stages of a run would; return which of its images are right."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(n, np.int32)
    predicted = (rng.random(n) < 0.3).astype(np.int32)
    Predictions(
        [str(i) for i in range(n)], labels, predicted, np.eye(2, dtype=np.float32)[predicted]
    ).write(paths.predictions(run))
    write_evaluation(run, float((predicted == labels).mean()), 0.9 + seed / 100, n)
    files.write_json(paths.model(run) / "architecture.json", ARCHITECTURE)
    return predicted == labels
