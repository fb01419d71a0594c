"""Removal of datasets and runs, in a project of Git and DVC."""

from argparse import Namespace
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import dump_yaml

from pipeline.commands.data import new_run as new_run_command
from pipeline.commands.data import remove_dataset, remove_run
from pipeline.core.errors import PipelineError
from pipeline.core.params import read_yaml
from pipeline.project import new_run, removal
from tests.support.dvc_project import git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC
GRAPH = """\
artifacts:
  tiny-png-shards: {path: data/shards/tiny_png}
  tiny-png-model:
    path: data/models/tiny_png
  tiny-idx-model:
    path: data/models/tiny_idx

# Curves.
plots:
  - accuracy:
      y:
        metrics/runs/tiny_idx/history.csv: [a]
        metrics/runs/tiny_png/history.csv: [a]
"""
GATE = """\
rules:
  - {metrics: loss, better: lower, relative: 1}
reproduced: [tiny_png, tiny_idx]
accept:
  - {name: tiny_*, metric: loss, worst: 2, reason: both}
  # Half of the images.
  - {name: tiny_png, metric: loss, worst: 2, reason: r}
  - {name: tiny_png, metric: loss, worst: gone, reason: r}
"""
STAGES = ("download", "extract", "decode", "split", "train", "evaluate", "report")
OWN = (
    "data/raw/{}/a",
    "data/extracted/{}/a",
    "data/shards/{}/a",
    "data/splits/{}.parquet",
    "metrics/datasets/{}/data.json",
    "data/models/{}/a",
    "data/predictions/{}.parquet",
    "data/checkpoints/{}.npz",
    "metrics/runs/{}/evaluation.json",
)
FILES = {name: [Path(path.format(name)) for path in OWN] for name in ("tiny_idx", "tiny_png")}


@pytest.fixture
def here(project):
    """Enter a repository with the files, records and parameters of two datasets and runs."""
    git("init", "-q", ".")
    Repo.init(".").close()
    Path("dvc.yaml").write_text(GRAPH)
    Path("gate.yaml").write_text(GATE)
    stages = {f"{stage}@{name}": {"cmd": "true"} for name in FILES for stage in STAGES}
    dump_yaml("dvc.lock", {"schema": "2.0", "stages": stages})
    for path in (path for paths in FILES.values() for path in paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return project


def test_a_run_and_then_its_dataset_go_and_all_else_stays(here):
    with pytest.raises(PipelineError, match="runs still use it: tiny_png; remove them first: pyth"):
        removal.of_dataset("tiny_png")
    found = removal.of_run("tiny_png")
    assert "dvc.lock: train@tiny_png, evaluate@tiny_png, report@tiny_png" in found.describe()
    assert "data/models/tiny_png" in found.describe()
    assert "gate.yaml: accept.1" in found.describe()
    found.remove()
    kept = [*GATE.replace("tiny_png, t", "t").splitlines()[:5], GATE.splitlines()[-1]]
    assert Path("gate.yaml").read_text().splitlines() == kept
    assert [path.exists() for path in FILES["tiny_png"]] == [True] * 5 + [False] * 4
    removal.of_dataset("tiny_png").remove()
    assert not any(path.exists() for path in FILES["tiny_png"])
    assert all(path.exists() for path in FILES["tiny_idx"])
    params = read_yaml(Path("params.yaml"))
    assert [list(params[key]) for key in ("datasets", "runs")] == [["tiny_idx"]] * 2
    assert list(read_yaml(Path("dvc.lock"))["stages"]) == [f"{one}@tiny_idx" for one in STAGES]
    kept = [line for line in GRAPH.splitlines() if "png" not in line]
    assert Path("dvc.yaml").read_text().splitlines() == kept
    removal.of_run("tiny_idx").remove()
    assert read_yaml(Path("params.yaml"))["runs"] == {}


def test_what_is_still_needed_stays(here):
    Path("study").mkdir()
    Path("study/params.yaml").write_text("runs: {base_0: {dataset: tiny_idx}}\n")
    removal.of_run("tiny_idx").remove()
    with pytest.raises(PipelineError, match="runs still use it: study/base_0; remove them first"):
        removal.of_dataset("tiny_idx")
    new_run.add("second", "tiny_png")
    here.params = read_yaml(Path("params.yaml"))
    here.set("runs.second.weights", "data/models/tiny_png")
    with pytest.raises(PipelineError, match="runs start from its model: second"):
        removal.of_run("tiny_png")
    for remove in (removal.of_run, removal.of_dataset):
        with pytest.raises(PipelineError, match=r"s\.nothing is missing"):
            remove("nothing")


def test_a_new_run_is_like_another(here):
    before = Path("params.yaml").read_text()
    shown = new_run.add("second", "tiny_png")
    assert Path("params.yaml").read_text().startswith(before.rstrip())
    runs = read_yaml(Path("params.yaml"))["runs"]
    assert runs["second"] == runs["tiny_png"]
    assert shown.startswith("runs:\n  second:\n    dataset: tiny_png\n")
    for name, like, message in (
        ("second", "tiny_png", "is there already"),
        ("Second", "tiny_png", "cannot be a run's name"),
        ("third", "nothing", r"runs\.nothing is missing"),
    ):
        with pytest.raises(PipelineError, match=message):
            new_run.add(name, like)


def test_the_commands_list_and_remove_nothing_without_a_yes(here, capsys):
    before = Path("params.yaml").read_text()
    told = remove_run.run(Namespace(names=["tiny_png", "tiny_idx"], yes=False))
    assert told == "Nothing was removed of tiny_png. To remove it, run this again with --yes"
    assert "  params.yaml: runs.tiny_png\n" in capsys.readouterr().out
    assert Path("params.yaml").read_text() == before
    assert "dvc repro report@b" in new_run_command.run(Namespace(name="b", like="tiny_png"))
    told = remove_run.run(Namespace(names=["tiny_png", "b"], yes=True))
    assert told == "Removed. Now: git add . && git commit"
    told = remove_dataset.run(Namespace(name="tiny_png", yes=False))
    assert told == "Nothing was removed. To remove it, run this again with --yes"
    assert FILES["tiny_png"][0].exists()
    told = remove_dataset.run(Namespace(name="tiny_png", yes=True))
    assert not FILES["tiny_png"][0].exists()
