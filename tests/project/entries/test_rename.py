"""Datasets and runs under other names."""

from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import dump_yaml

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params, read_yaml
from pipeline.project import yaml_change
from pipeline.project.entries import orphans, rename
from tests.support.dvc_project import git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC

GRAPH = """\
artifacts:
  tiny-png-shards: {path: data/shards/tiny_png}
  tiny-png-model:
    path: data/models/tiny_png  # the best

plots:
  - accuracy:
      y:
        metrics/runs/tiny_idx/history.csv: [a]
        metrics/runs/tiny_png/history.csv: [a]
"""
GATE = """\
rules:
  - {metrics: loss, better: lower, relative: 1}
  - {of: datasets, metrics: subsets.*.n, better: equal}
reproduced: [tiny_idx, tiny_png]
accept:
  - {name: tiny_png, metric: loss, worst: 2, reason: r}
  - {name: tiny_p*, metric: l*, worst: 3, reason: it alone}
  - {name: tiny_*, metric: loss, worst: 2, reason: others too}
  - {name: tiny_png, metric: subsets.test.n, worst: 2, reason: of the dataset}
  - {name: tiny_png, metric: "*", worst: gone, reason: it is to be gone}
  - {name: tiny_idx, metric: loss, worst: 2, reason: r}
"""


def deps(*paths):
    return [{"path": path, "hash": "md5", "md5": "0" * 32, "size": 1} for path in paths]


def records(run, dataset):
    """Return the records of a run of a dataset."""
    metrics = f"metrics/runs/{run}"
    return {
        f"decode@{dataset}": {
            "cmd": "true",
            "deps": deps(f"data/extracted/{dataset}", "pipeline/core"),
            "params": {"params.yaml": {f"datasets.{dataset}.decode": {"classes": ["a"]}}},
            "outs": deps(f"data/shards/{dataset}"),
        },
        f"split@{dataset}": {"cmd": "true", "outs": deps(f"data/splits/{dataset}.parquet")},
        f"train@{run}": {
            "cmd": "true",
            "deps": deps(f"data/shards/{dataset}", f"data/splits/{dataset}.parquet"),
            "params": {
                "params.yaml": {"defaults.train": {}, f"runs.{run}.dataset": dataset},
                "libraries.yaml": {"keras": "1"},
            },
            "outs": deps(f"data/models/{run}", f"{metrics}/history.csv"),
        },
        f"report@{run}": {"cmd": "true", "deps": deps(f"data/models/{run}")},
    }


@pytest.fixture
def here(project):
    """Enter a repository with the records and files of two datasets and runs."""
    git("init", "-q", ".")
    Repo.init(".").close()
    Path("dvc.yaml").write_text(GRAPH)
    Path("gate.yaml").write_text(GATE)
    both = records("tiny_png", "tiny_png") | records("tiny_idx", "tiny_idx")
    dump_yaml("dvc.lock", {"schema": "2.0", "stages": both})
    for folder in "data/models/tiny_png", "metrics/runs/tiny_png", "data/shards/tiny_png":
        Path(folder).mkdir(parents=True)
        Path(folder, "file").write_text(folder)
    return project


def lock():
    return read_yaml(Path("dvc.lock"))["stages"]


def test_a_run_gets_another_name(here):
    values = yaml_change.values(Path("params.yaml").read_text())
    assert rename.of("run", "tiny_png", "new_one").apply() == ["report@new_one"]
    new = Params.read()
    assert list(new.value("runs")) == [
        "new_one" if run == "tiny_png" else run for run in values["runs"]
    ]
    assert new.value("runs", "new_one") == values["runs"]["tiny_png"]
    expected = records("new_one", "tiny_png") | records("tiny_idx", "tiny_idx")
    del expected["report@new_one"]
    assert lock() == expected
    assert Path("data/models/new_one/file").read_text() == "data/models/tiny_png"
    assert Path("metrics/runs/new_one/file").exists()
    assert not Path("metrics/runs/tiny_png").exists()
    assert Path("data/shards/tiny_png/file").exists()
    assert Path("dvc.yaml").read_text() == GRAPH.replace(
        "models/tiny_png", "models/new_one"
    ).replace("runs/tiny_png", "runs/new_one")
    expected = GATE.replace("tiny_png, metric: loss", "new_one, metric: loss")
    expected = expected.replace("tiny_p*", "new_one").replace("tiny_png]", "new_one]")
    assert Path("gate.yaml").read_text() == expected
    assert list(orphans.faults(new)) == []


def test_a_dataset_gets_another_name_and_its_runs_follow(here):
    users = [
        name for name, run in Params.read().value("runs").items() if run["dataset"] == "tiny_png"
    ]
    stages = rename.of("dataset", "tiny_png", "pets").apply()
    assert stages == [f"report@{run}" for run in users]
    assert {Params.read().value("runs", run, "dataset") for run in users} == {"pets"}
    expected = records("tiny_png", "pets") | records("tiny_idx", "tiny_idx")
    for name in "split@pets", "report@tiny_png":
        del expected[name]
    assert lock() == expected
    assert Path("data/shards/pets/file").exists()
    assert Path("data/models/tiny_png/file").exists()
    assert "path: data/shards/pets}" in Path("dvc.yaml").read_text()
    moved = "{name: tiny_png, metric: subsets", "{name: pets, metric: subsets"
    assert Path("gate.yaml").read_text() == GATE.replace(*moved)


def test_a_run_that_starts_from_its_model_follows(here):
    text = Path("params.yaml").read_text()
    text = yaml_change.put(text, ["runs", "tiny_idx", "weights"], "data/models/tiny_png")
    Path("params.yaml").write_text(text)
    rename.of("run", "tiny_png", "b").apply()
    assert Params.read().value("runs", "tiny_idx", "weights") == "data/models/b"


def test_names_that_cannot_be_taken(here):
    before = Path("params.yaml").read_text(), Path("dvc.lock").read_text()
    for old, new, fault in (
        ("none", "b", "runs.none is missing"),
        ("tiny_png", "tiny_idx", "there is a run tiny_idx already"),
        ("tiny_png", "../b", "is no name of a run"),
    ):
        with pytest.raises(ParameterError, match=fault):
            rename.of("run", old, new)
    Path("metrics/runs/b").mkdir()
    with pytest.raises(ParameterError, match="metrics/runs/b is in the way"):
        rename.of("run", "tiny_png", "b").apply()
    Path("study").mkdir()
    Path("study/params.yaml").write_text("runs: {x: {dataset: tiny_png}}\n")
    with pytest.raises(ParameterError, match="a study uses it: study/x"):
        rename.of("dataset", "tiny_png", "pets")
    assert (Path("params.yaml").read_text(), Path("dvc.lock").read_text()) == before
