"""Runs that were only trained again: they are found, and the committed ones put back."""

import shutil
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.execution.machine import Machine
from pipeline.repository import lock_check, retrained
from tests.support.dvc_project import build, git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC

GRAPH = """
stages:
  train:
    foreach: [a, b]
    do:
      cmd: PYTHON train.py ${item}
      deps: [train.py]
      outs: ["data/models/${item}"]
      metrics: ["metrics/runs/${item}/machine.json": {cache: false}]
  evaluate:
    foreach: [a, b]
    do:
      cmd: cp data/models/${item} metrics/runs/${item}/evaluation.json
      deps: ["data/models/${item}"]
      params: [bins]
      metrics: ["metrics/runs/${item}/evaluation.json": {cache: false}]
""".replace("PYTHON", sys.executable)
TRAIN = """
import json, os, pathlib, sys
kernels = os.environ.get("KERNELS", "oneDNN")
machine = {"gpu": "none", "kernels": kernels, "processor": "x86_64"}
for path, value in ("data/models/", kernels), ("metrics/runs/", machine):
    path = pathlib.Path(path + sys.argv[1] + ("/machine.json" if "runs" in path else ""))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
"""


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """Two runs of two stages each, trained by oneDNN, committed."""
    others = {"train.py": TRAIN, "params.yaml": "bins: 3\n", ".gitignore": "/data\n"}
    return build(tmp_path_factory.mktemp("runs"), GRAPH, **others)


@pytest.fixture
def project(committed, tmp_path, monkeypatch):
    shutil.copytree(committed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")


def reproduce(*targets, force=False):
    with Repo(".") as here:
        here.reproduce(targets or None, force=force)


def test_nothing_was_trained_again(project):
    assert retrained.find() == []
    assert retrained.keep().startswith("nothing to put back")
    reproduce(force=True)
    assert retrained.find() == []


def test_recorded_weights_are_kept_with_what_follows(project, monkeypatch):
    before = {
        path: path.read_bytes() for path in [*Path("metrics").rglob("*.json"), Path("dvc.lock")]
    }
    monkeypatch.setenv("KERNELS", "Eigen")
    reproduce("evaluate@a", force=True)
    (found,) = retrained.find()
    assert (found.run, found.here.kernels, found.committed.kernels) == ("a", "Eigen", "oneDNN")
    assert found.describe().startswith(
        "train@a: trained again on x86_64, Eigen, not x86_64, oneDNN:"
    )
    assert Path("data/models/a").read_text() == '"Eigen"'
    assert retrained.keep() == "put back as committed: train@a, evaluate@a"
    assert {path: path.read_bytes() for path in before} == before
    assert Path("data/models/a").read_text() == '"oneDNN"'
    assert list(lock_check.faults()) == []
    assert retrained.find() == []


def test_a_run_that_was_changed_is_none_of_these(project, monkeypatch):
    monkeypatch.setenv("KERNELS", "Eigen")
    Path("train.py").write_text(TRAIN + "\n")
    reproduce()
    assert retrained.find() == []


def test_what_follows_by_other_parameters_is_to_be_run_and_lost_weights_pulled(
    project, monkeypatch
):
    monkeypatch.setenv("KERNELS", "Eigen")
    shutil.rmtree(".dvc/cache/files")
    Path("params.yaml").write_text("bins: 4\n")
    reproduce("evaluate@a", force=True)
    said = retrained.keep()
    assert said == (
        "put back as committed: train@a; not in this cache: data/models/a; run dvc pull train@a; "
        "to be run: dvc repro evaluate@a"
    )
    assert Machine.of("a").kernels == "oneDNN"
    assert "train@a: data/models/a is not the recorded version" in next(lock_check.faults())


def test_without_a_commit_nothing_is_found(project):
    shutil.rmtree("../.git")
    git("init", "-q", "..")
    assert retrained.find() == []
