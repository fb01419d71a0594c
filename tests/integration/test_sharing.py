"""Sharing without pulling everything: a fresh clone runs and fetches what a change concerns."""

import json
import re
import sys
from pathlib import Path

import pytest

from pipeline.core.params import read_yaml
from tests.support.builders import ROOT
from tests.support.repository import Clone, blocks, call, commit, demo

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sharing")]

REPORT = ["report@demo_png"]
TRAIN = ["train@demo_png", "evaluate@demo_png", *REPORT]
RUN = (
    "    dataset: demo_png\n    network: cnn\n    weights: data/weights/none\n    model: {}\n"
    "    train: {track_test: true"
)
SPLIT = "      test_fraction: 0.2\n      validation_fraction: 0.1"
FIGURE = f"{RUN}}}\n    evaluate: {{}}\n    report: {{"
QUICK = RUN, f"{RUN}, epochs: 1"
DROPOUT = RUN, f"{RUN.replace('{}', '{dropout: 0.4}')}, epochs: 1"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """This project with a demo that was run and pushed into a folder."""
    folder = demo(tmp_path_factory.mktemp("project"))
    clone = Clone(folder, tmp_path_factory.mktemp("clones") / "first", full=True)
    clone.pipeline("remote", str(tmp_path_factory.mktemp("store")))
    clone.call("push", "--with-deps", *REPORT)
    commit(clone.folder)
    return clone.folder


def change(clone, *pairs):
    path = clone.folder / "params.yaml"
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def fetched(clone):
    """Return the paths of the outputs whose content is in the clone's cache."""
    cache = clone.folder / ".dvc/cache/files/md5"
    return {path for path, md5 in clone.recorded.items() if (cache / md5[:2] / md5[2:]).exists()}


def fresh(project, folder):
    clone = Clone(project, folder)
    lock = read_yaml(clone.folder / "dvc.lock")["stages"]
    clone.recorded = {
        out["path"]: out["md5"]
        for name, stage in lock.items()
        if name.endswith("@demo_png")
        for out in stage["outs"]
        if out["path"].startswith("data/")
    }
    return clone


def repro(clone):
    (command,) = blocks("teams.md", "Without pulling everything")
    return re.findall(r"^Running stage '(.*)'", clone.shell(command, {}), re.M)


EXTRACTED, SHARDS = "data/extracted/demo_png", "data/shards/demo_png"
CUT, MODEL = "data/splits/demo_png.parquet", "data/models/demo_png"
PREDICTIONS = "data/predictions/demo_png.parquet"


@pytest.mark.parametrize(
    ("changes", "ran", "needed"),
    [
        ([(FIGURE, f"{FIGURE}samples_per_class: 2")], REPORT, {SHARDS, CUT, MODEL, PREDICTIONS}),
        ([DROPOUT], TRAIN, {SHARDS, CUT}),
        (
            [(SPLIT, SPLIT.replace("0.2", "0.3")), QUICK],
            ["split@demo_png", *TRAIN],
            {EXTRACTED, SHARDS},
        ),
    ],
    ids=["figure", "dropout", "split"],
)
def test_a_change_runs_and_fetches_what_it_concerns(project, tmp_path, changes, ran, needed):
    clone = fresh(project, tmp_path / "clone")
    change(clone, *changes)
    assert repro(clone) == ran
    assert fetched(clone) == needed


def test_a_run_that_is_not_committed_is_shared(project, tmp_path):
    one = fresh(project, tmp_path / "one")
    change(one, DROPOUT)
    assert repro(one) == TRAIN
    (push,) = blocks("teams.md", "Runs that are not committed")
    assert re.fullmatch(r"\d+ runs and \d+ new objects pushed to storage\n", one.shell(push, {}))
    two = fresh(project, tmp_path / "two")
    change(two, DROPOUT)
    assert repro(two) == []
    for path in "dvc.lock", "metrics/runs/demo_png/history.csv":
        assert (two.folder / path).read_bytes() == (one.folder / path).read_bytes()


def test_machines_of_two_types(project, tmp_path):
    """As the page says: one trains, the other takes it, and puts back what it trained again."""
    share, take, put_back = blocks("teams.md", "Machines of several types")
    trainer, laptop = (fresh(project, tmp_path / name) for name in ("trainer", "laptop"))
    for command in ("checkout", "-q", "--", "."), ("config", "user.name", "x"):
        call(["git", *command], trainer.folder)
    call(["git", "config", "user.email", "x"], trainer.folder)
    other = {"PIPELINE_KERNELS": "eigen" if has_onednn(project) else "onednn"}
    change(trainer, QUICK)
    trainer.shell(share, {})
    shown = laptop.shell(take, other)
    assert "Running stage" not in shown
    laptop.call("repro", "-q", "--force", "-s", "decode@demo_png", "split@demo_png")
    assert call(["git", "status", "--short", "dvc.lock", "metrics"], laptop.folder) == ""
    metrics = {path: read(laptop, path) for path in ("history.csv", "machine.json")}
    laptop.shell("dvc repro -q --force -s train@demo_png", other)
    again = {path: read(laptop, path) for path in metrics}
    assert again["machine.json"] != metrics["machine.json"]
    assert again["history.csv"] != metrics["history.csv"]
    first, second = (
        float(text["history.csv"].split("\n")[1].split(",")[1]) for text in (metrics, again)
    )
    assert abs(first - second) < 0.02
    assert "put back as committed: train@demo_png" in laptop.shell(put_back, {})
    assert {path: read(laptop, path) for path in metrics} == metrics
    assert call(["git", "status", "--short", "dvc.lock", "metrics"], laptop.folder) == ""


def has_onednn(project):
    recorded = (project / "metrics/runs/demo_png/machine.json").read_text()
    return "oneDNN" in json.loads(recorded)["kernels"]


def read(clone, name):
    return (clone.folder / "metrics/runs/demo_png" / name).read_text()


def test_another_project_imports_the_model_and_predicts(project, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (get,) = blocks("teams.md", "Data and models in other projects")
    for commands in "git init -q && dvc init -q", get:
        call(["bash", "-euc", commands], other, {"PROJECT": str(project)})
    assert read_yaml(other / "model.dvc")["deps"][0]["repo"]["url"] == str(project)
    page = (ROOT / "docs/teams.md").read_text(encoding="utf-8")
    shown = [
        call(
            [sys.executable, "-c", block], other, {"PROJECT": str(project), "PYTHONPATH": str(ROOT)}
        )
        for block in re.findall(r"```python\n(.*?)```", page, re.S)
    ]
    assert shown == ["(3, 10)\n", "400\n"]


def test_a_version_of_a_model_is_a_tag(project, tmp_path):
    tag, get = blocks("teams.md", "Versions of a model")
    call(["git", "config", "user.name", "x"], project)
    call(["git", "config", "user.email", "x"], project)
    call(["bash", "-euc", tag], project)
    call(["bash", "-euc", get], tmp_path, {"PROJECT": str(project)})
    got = {path.name for path in (tmp_path / "model").iterdir()}
    assert got == {"architecture.json", "model.weights.h5"}


def test_caches_are_linked_shared_and_looked_at_before_they_are_emptied(project, tmp_path):
    clone = fresh(project, tmp_path / "clone")
    relink, share, look = blocks("teams.md", "The cache")
    clone.call("pull", *REPORT)
    clone.shell(relink, {})
    report = clone.folder / "metrics/runs/demo_png/report.html"
    assert report.stat().st_nlink == 2
    shared = tmp_path / "shared"
    clone.shell(share, {"SHARED_CACHE": str(shared)})
    clone.call("pull", *REPORT)
    clone.call("checkout", "--relink", *REPORT)
    assert Path(report).resolve().is_relative_to(shared)
    assert clone.shell(look, {}).count("nothing is unused") == 2
    assert report.exists()
