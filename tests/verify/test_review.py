"""Notes of a review: what a person should look at."""

from pathlib import Path

import pytest

from pipeline.core import paths
from pipeline.evaluate.metrics import evaluate
from pipeline.verify import review
from tests.support import graph
from tests.support.dvc_project import TWO_STAGES, build, git
from tests.support.reports import predictions

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC

MAKING = (
    *("ablation", "archives", "decode", "download", "extract", "images", "labels", "new_dataset"),
    *("predict", "report", "train", "transfer"),
)
"""Packages that make data, weights and reports: a review loads what it checks parameters by."""
RECORD = "schema: '2.0'\nstages:\n  train: {cmd: CODE, outs: [{path: m, md5: RESULT}]}\n"


def test_new_results_of_studies_and_other_remotes_are_named(tmp_path, monkeypatch):
    build(tmp_path, TWO_STAGES)
    monkeypatch.chdir(tmp_path / "project")
    Path("study").mkdir()
    notes = []
    for code, result in (("old", "a"), ("new", "a"), ("new", "b")):
        text = RECORD.replace("CODE", code).replace("RESULT", result)
        Path("study/dvc.lock").write_text(text)
        git("add", ".")
        git("commit", "-qm", "a study")
        notes.append(list(review._of_studies("HEAD~1")))
    told = ["unchecked: study/dvc.lock has new results of train"]
    assert notes == [told, [], told]
    assert list(review._judging("HEAD~1")) == []
    with Path(".dvc/config").open("a") as file:
        file.write("[core]\n    remote = elsewhere\n")
    git("commit", "-qam", "a remote")
    assert list(review._judging("HEAD~1")) == [
        "the judging code itself changed, look at it: project/.dvc/config"
    ]


def test_a_graph_whose_stages_changed_is_named_and_other_parts_of_it_are_not(tmp_path, monkeypatch):
    build(tmp_path, TWO_STAGES)
    monkeypatch.chdir(tmp_path / "project")
    file = Path("dvc.yaml")
    notes = []
    for old, new in (("stages:", "plots: [one]\nstages:"), ("cp one two", "cp one two; true")):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        git("commit", "-qam", "the graph")
        notes.append(list(review._judging("HEAD~1")))
    assert notes == [[], ["the judging code itself changed, look at it: project/dvc.yaml"]]


def test_code_that_a_review_loads_is_named_but_for_what_stages_make():
    """The code of stages that make data and weights is seen by what the demos come to."""
    loaded = graph.modules("pipeline/commands/results/review.py")
    packages = {"/".join(Path(name).parts[:2]) for name in loaded}
    named = {"/".join(Path(name).parts[:2]) for name in review.JUDGING}
    made = {f"pipeline/{name}" for name in MAKING}
    assert packages - named <= made
    assert not named & made


def test_a_run_of_another_type_of_machine_that_is_far_from_the_baseline_is_named(
    tmp_path, monkeypatch
):
    build(tmp_path, TWO_STAGES)
    monkeypatch.chdir(tmp_path / "project")
    folder = paths.metrics("a")

    def write(accuracy, first):
        found = evaluate(predictions(accuracy, 1, 1000), ("cat", "dog", "emu"), 0.9, 15)
        found.write(folder / "evaluation.json")
        (folder / "history.csv").write_text(f"epoch,train_accuracy\n1,{first}\n2,0.8\n")

    folder.mkdir(parents=True)
    assert list(review._further("HEAD", "a")) == []  # nothing to compare with
    write(0.84, 0.5)
    git("add", ".")
    git("commit", "-qm", "metrics")
    write(0.85, 0.6)
    assert list(review._further("HEAD", "a")) == []
    write(0.98, 0.9)
    start = "look at it: metrics/runs/a"
    assert list(review._further("HEAD", "a")) == [
        f"{start}/evaluation.json: accuracy is 0.9820 as committed, and 0.8400 as committed "
        "at HEAD: more than another type of machine changes",
        f"{start}/history.csv: train_accuracy differs by 0.40 from what is committed at HEAD",
    ]
