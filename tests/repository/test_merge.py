"""Merges of branches that both ran stages: what is settled, and what is to be run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.core.params import read_yaml
from pipeline.repository import lock_check
from pipeline.repository.merge import resolve
from tests.support.dvc_project import build, git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC

GRAPH = """
stages:
  train:
    foreach: ${runs}
    do:
      cmd: PYTHON train.py ${key}
      deps: [train.py]
      params: [defaults, "runs.${key}"]
      outs: ["data/models/${key}"]
      metrics: ["metrics/${key}/machine.json": {cache: false}]
  evaluate:
    foreach: ${runs}
    do:
      cmd: mkdir -p metrics/${key} && cp data/models/${key} metrics/${key}/evaluation.json
      deps: ["data/models/${key}"]
      metrics: ["metrics/${key}/evaluation.json": {cache: false}]
""".replace("PYTHON", sys.executable)
TRAIN = """
import json, os, pathlib, sys
from ruamel.yaml import YAML
params = YAML(typ="safe").load(open("params.yaml"))
value = params["defaults"] | params["runs"][sys.argv[1]] | {"code": 1}
machine = {"machine": os.environ["MACHINE"]} if "MACHINE" in os.environ else {}
value |= machine
folder = pathlib.Path("metrics", sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
(folder / "machine.json").write_text(json.dumps(machine))
pathlib.Path("data/models").mkdir(parents=True, exist_ok=True)
pathlib.Path("data/models", sys.argv[1]).write_text(json.dumps(value, indent=0, sort_keys=True))
"""
PARAMS = """
defaults:
  epochs: 1
  rate: 2

  depth: 3
runs:
  a:
    seed: 1

    dense: 1
  b:
    seed: 1

    dense: 1
"""
ATTRIBUTES = (Path(__file__).parents[2] / ".gitattributes").read_text()


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """Two runs of two stages each, committed."""
    files = {"train.py": TRAIN, "params.yaml": PARAMS, ".gitattributes": ATTRIBUTES}
    return build(tmp_path_factory.mktemp("runs"), GRAPH, **files | {".gitignore": "/data\n"})


@pytest.fixture
def project(committed, tmp_path, monkeypatch):
    shutil.copytree(committed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")
    git("branch", "-M", "main")


def reproduce():
    with Repo(".") as here:
        return sorted(stage.addressing for stage in here.reproduce())


def branch(name, *changes, path="params.yaml"):
    """Make a branch with these replacements, reproduced and committed."""
    git("checkout", "-q", "main")
    git("checkout", "-q", "-b", name)
    checkout()
    text = Path(path).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    Path(path).write_text(text)
    reproduce()
    git("add", ".")
    git("commit", "-qm", name)


def checkout():
    with Repo(".") as here:
        here.checkout(force=True, allow_missing=True)


def clean(*arguments):
    """Run Git as an author; return True if it ended without a conflict."""
    command = ["git", "-c", "user.name=x", "-c", "user.email=x", *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def merge(name):
    """Merge a branch; return True if Git did so without a conflict."""
    return clean("merge", "-q", name)


def unmerged():
    return subprocess.check_output(["git", "ls-files", "-u"], text=True)


def settled():
    """Assert that all is settled, and as if the merged project had been run by itself."""
    assert unmerged() == ""
    assert list(lock_check.faults()) == []
    before = {p: p.read_bytes() for p in Path("metrics").rglob("*.json")}
    lock = read_yaml(Path("dvc.lock"))
    assert reproduce() == []
    git("commit", "-qm", "merge")
    with Repo(".") as here:
        here.reproduce(force=True)
    assert {p: p.read_bytes() for p in Path("metrics").rglob("*.json")} == before
    assert read_yaml(Path("dvc.lock")) == lock


def metrics(run):
    return json.loads(Path("metrics", run, "evaluation.json").read_text())


A = ("  a:\n    seed: 1", "  a:\n    seed: 5")
A_DENSE = ("    dense: 1\n  b", "    dense: 7\n  b")
B = ("  b:\n    seed: 1", "  b:\n    seed: 6")


def test_branches_that_change_different_runs_need_no_run(project):
    branch("ours", A)
    branch("theirs", B)
    assert not merge("ours")
    said = resolve()
    assert said == (
        "dvc.lock: settled; nothing is to be run; for the data: python -m pipeline pull"
    )
    checkout()
    assert (metrics("a")["seed"], metrics("b")["seed"]) == (5, 6)
    settled()


@pytest.mark.parametrize("attributes", [True, False])
def test_branches_that_add_runs_need_no_run(project, attributes):
    """Without our attributes Git writes marks of the conflict into the lock, which DVC refuses."""
    if not attributes:
        git("rm", "-q", ".gitattributes")
        git("commit", "-qm", "no attributes")
    branch("ours", ("runs:\n", "runs:\n  c: {seed: 1}\n"))
    branch("theirs", ("  b:\n", "  d: {seed: 2}\n  b:\n"))
    assert not merge("ours")
    assert "nothing is to be run" in resolve()
    checkout()
    assert (Path("dvc.yaml").read_text(), unmerged()) == (GRAPH, "")
    assert {metrics("c")["seed"], metrics("d")["seed"]} == {1, 2}
    settled()


def test_a_run_that_both_changed_is_run_again(project):
    """Git merges the parameters; neither side trained with both."""
    branch("ours", A)
    branch("theirs", A_DENSE)
    assert not merge("ours")
    said = resolve()
    assert said.endswith("settled; to be run: dvc repro evaluate@a")
    stages = read_yaml(Path("dvc.lock"))["stages"]
    assert sorted(stages) == ["evaluate@b", "train@b"]
    assert reproduce() == ["evaluate@a", "train@a"]
    assert metrics("a")["seed"] == 5
    assert metrics("a")["dense"] == 7
    git("add", ".")
    settled()


@pytest.mark.parametrize(("side", "seed"), [("--ours", 6), ("--theirs", 5)])
def test_of_a_run_that_both_changed_the_side_is_taken_that_params_yaml_is_settled_for(
    project, side, seed
):
    branch("ours", A)
    branch("theirs", (A[0], A[1].replace("5", "6")))
    assert not merge("ours")
    with pytest.raises(PipelineError, match=r"settle these conflicts first.*params\.yaml"):
        resolve()
    git("checkout", "-q", side, "params.yaml")
    git("add", "params.yaml")
    assert "metrics/a/evaluation.json: settled; nothing is to be run" in resolve()
    checkout()
    assert metrics("a")["seed"] == seed
    settled()


@pytest.mark.parametrize("here", ["ours", "theirs"])
def test_a_machine_that_one_side_alone_changed_is_of_the_record_that_is_taken(
    project, monkeypatch, here
):
    """Git takes the one file that is in no conflict of the side whose weights are not taken."""
    branch("ours", A)
    git("checkout", "-q", "main")
    git("checkout", "-q", "-b", "theirs")
    checkout()
    monkeypatch.setenv("MACHINE", "another")
    with Repo(".") as project_:
        project_.reproduce("train@a", force=True, downstream=True)
    monkeypatch.delenv("MACHINE")
    git("add", ".")
    git("commit", "-qm", "theirs")
    git("checkout", "-q", here)
    checkout()
    assert not merge({"ours": "theirs", "theirs": "ours"}[here])
    said = resolve()
    assert "metrics/a/machine.json" in said
    assert said.endswith("nothing is to be run; for the data: python -m pipeline pull")
    checkout()
    assert metrics("a")["seed"] == 5
    assert json.loads(Path("metrics/a/machine.json").read_text()) == {}
    settled()


def test_a_shared_default_and_a_run(project):
    """The run was trained with the old default on one side: it alone is run again."""
    branch("ours", ("epochs: 1", "epochs: 4"))
    branch("theirs", B)
    assert not merge("ours")
    assert resolve().endswith("to be run: dvc repro evaluate@b")
    checkout()
    assert reproduce() == ["evaluate@b", "train@b"]
    assert (metrics("b")["epochs"], metrics("b")["seed"]) == (4, 6)
    assert (metrics("a")["epochs"], metrics("a")["seed"]) == (4, 1)
    git("add", ".")
    settled()


def test_code_and_a_run(project):
    """Line by line, Git would make a record of a training that was never run."""
    branch("ours", ('"code": 1', '"code": 2'), path="train.py")
    branch("theirs", B)
    assert not merge("ours")
    assert resolve().endswith("to be run: dvc repro evaluate@b")
    reproduce()
    assert (metrics("b")["code"], metrics("b")["seed"]) == (2, 6)
    git("add", ".")
    settled()


def test_what_was_run_before_comes_from_the_cache_of_runs(project):
    branch("both", A, A_DENSE)
    branch("ours", A)
    branch("theirs", A_DENSE)
    assert not merge("ours")
    assert "to be run" in resolve()
    command = [sys.executable, "-m", "dvc", "repro", "evaluate@a"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Running stage" not in done.stdout
    assert done.stdout.count("is cached - skipping run") == 2
    assert (metrics("a")["seed"], metrics("a")["dense"]) == (5, 7)


def test_a_rebase_is_settled_too(project):
    branch("ours", A)
    branch("theirs", (A[0], A[1].replace("5", "6")), B)
    assert not clean("rebase", "-q", "ours")
    Path("params.yaml").write_text(PARAMS.replace(*A).replace(*B))
    git("add", "params.yaml")
    assert "nothing is to be run" in resolve()
    checkout()
    assert (metrics("a")["seed"], metrics("b")["seed"]) == (5, 6)
    assert unmerged() == ""
    assert list(lock_check.faults()) == []


def test_a_revert_is_settled_too(project):
    """Of the run that is reverted, what was before it; the other stays as it is."""
    branch("work", A)
    first = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace(*B))
    reproduce()
    git("commit", "-qam", "b")
    assert not clean("revert", "--no-edit", first)
    assert "nothing is to be run" in resolve()
    checkout()
    assert (metrics("a")["seed"], metrics("b")["seed"]) == (1, 6)
    settled()


def test_what_was_stashed_is_settled_too(project):
    Path("params.yaml").write_text(PARAMS.replace(*A))
    reproduce()
    assert clean("stash", "-q")
    branch("other", B)
    assert not clean("stash", "pop", "-q")
    assert "nothing is to be run" in resolve()
    checkout()
    assert (metrics("a")["seed"], metrics("b")["seed"]) == (5, 6)
    settled()


def test_without_a_merge_there_is_nothing_to_resolve(project):
    before = Path("dvc.lock").stat().st_mtime_ns
    assert resolve() == "nothing to resolve"
    assert Path("dvc.lock").stat().st_mtime_ns == before


def test_metrics_that_one_side_gave_to_dvc_are_no_longer_gits(project):
    git("checkout", "-q", "-b", "ours")
    graph = Path("dvc.yaml").read_text()
    assert "cache: false" in graph
    Path("dvc.yaml").write_text(graph.replace("cache: false", "cache: true"))
    Path(".gitignore").write_text("/data\n/metrics\n")
    git("rm", "-qr", "--cached", "metrics")
    reproduce()
    git("add", ".")
    git("commit", "-qm", "ours")
    Path("metrics/a/evaluation.json").unlink()  # Git would not overwrite it
    Path("metrics/b/evaluation.json").unlink()
    branch("theirs", A)
    assert not merge("ours")
    assert "metrics/a/evaluation.json" in unmerged()
    assert resolve().startswith("metrics/a/evaluation.json: settled")
    assert unmerged() == ""
    assert subprocess.check_output(["git", "ls-files", "metrics"]) == b""
    reproduce()
    assert metrics("a")["seed"] == 5


def test_what_lies_in_another_folder_called_metrics_is_not_settled(project):
    Path("notes/metrics").mkdir(parents=True)
    Path("notes/metrics/x.json").write_text("0")
    git("add", ".")
    git("commit", "-qm", "notes")
    for name, text in ("ours", "1"), ("theirs", "2"):
        git("checkout", "-q", "-b", name, "main")
        Path("notes/metrics/x.json").write_text(text)
        git("commit", "-qam", name)
    assert not merge("ours")
    with pytest.raises(PipelineError, match=r"settle these conflicts first.*notes/metrics/x.json"):
        resolve()


STUDY = """
stages:
  gather:
    wdir: ..
    cmd: cat data/models/* > study/sum
    deps: [data/models]
    metrics: [study/sum: {cache: false}]
"""


def test_a_study_whose_inputs_were_not_pulled_is_let_be(project):
    Path("study").mkdir()
    Path("study/dvc.yaml").write_text(STUDY)
    with Repo(".") as here:
        here.reproduce(["study/dvc.yaml"])
    git("add", ".")
    git("commit", "-qm", "study")
    branch("ours", A)
    branch("theirs", B)
    assert not merge("ours")
    shutil.rmtree("data")
    assert "nothing is to be run" in resolve()


def test_a_run_that_one_side_removed_stays_removed(project):
    git("checkout", "-q", "-b", "ours")
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text[: text.index("  b:\n")])
    git("rm", "-qr", "metrics/b")
    lock = Path("dvc.lock").read_text()
    Path("dvc.lock").write_text(lock.replace("@b:", "@c:"))  # no stage that there is
    git("commit", "-qam", "ours")
    branch("theirs", B)
    assert not merge("ours")
    git("checkout", "-q", "--theirs", "params.yaml")
    git("add", "params.yaml")
    assert "nothing is to be run" in resolve()
    assert sorted(read_yaml(Path("dvc.lock"))["stages"]) == ["evaluate@a", "train@a"]
    assert not Path("metrics/b/evaluation.json").exists()
    settled()
