"""Pull requests that should be stopped, and some that should not, as the workflow judges them.

A team's project in small, with a remote: the run ``demo`` is made again by CI, ``real`` is not.
Each pull request is what an author commits and pushes; the workflow's steps run in a clean clone.
"""

import copy
import json
import os
import re
import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline.core import paths
from pipeline.core.params import Params
from pipeline.download.fetch import MIRROR
from pipeline.evaluate import confusion
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import evaluate
from pipeline.evaluate.predictions import Predictions
from tests.support import warm
from tests.support.builders import CLASSES, ROOT, idx_dataset
from tests.support.builders.project import params
from tests.support.graph_project import DvcProject
from tests.support.host import Host, git

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pull requests")]

REPORTS = "report@demo", "report@real"


class Author:
    """A clone of the team's project, whose branch becomes a pull request."""

    def __init__(self, host, branch):
        self.host, self.branch = host, branch
        self.folder = host.folder / "authors" / branch
        git(self.folder.parent, "clone", "-q", f"{host.origin}", f"{self.folder}")
        git(self.folder, "checkout", "-q", "-b", branch)
        shutil.copytree(host.folder / "authors_cache", self.folder / ".dvc/cache")
        self.call("dvc", "checkout", "-q")

    def call(self, *command, **environment):
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.host.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def repro(self, *targets, **environment):
        self.call("dvc", "repro", "-q", *targets, **environment)

    def set(self, key, value):
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        path = self.folder / "params.yaml"
        values = yaml.load(path)
        *parents, last = key.split(".")
        section = values
        for name in parents:
            section = section[name]
        section[last] = value
        yaml.dump(values, path)

    def commit(self, push=True):
        if push:
            self.call("dvc", "push", "-q")
        git(self.folder, "add", ".")
        git(self.folder, "commit", "-qm", self.branch)
        git(self.folder, "push", "-q", "origin", self.branch)

    def passes(self, **values):
        """Expect that no step fails; return what the job wrote."""
        failed, shown = self.judged(**values)
        assert failed == [], shown
        return shown

    def is_stopped(self):
        """Expect that the review fails; return what the job wrote."""
        failed, shown = self.judged()
        assert failed == ["Review"], shown
        return shown

    def judged(self, **values):
        """Return the steps that failed, and the summary."""
        steps, summary = self.host.job(self.branch, "pull_request", values=values)
        failed = [name for name, (_, status) in steps.items() if status]
        return failed, summary + "".join(shown for shown, _ in steps.values())


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A host, with the main branch of a team's project, whose data were pushed to a remote."""
    folder = tmp_path_factory.mktemp("host")
    work = folder / "work"
    work.mkdir()
    quick = warm.environment({k: v for k, v in os.environ.items() if k != MIRROR})
    project = DvcProject(work, quick)
    shutil.rmtree(work / "data/raw")
    idx_dataset(work / "published/tiny_idx", train=120, test=200)
    with chdir(work):
        fresh = params(Path("published"))
        fresh["datasets"].pop("tiny_png")
        run = fresh["runs"]["tiny_idx"]
        fresh["datasets"]["tiny_idx"]["split"] = {"validation_count": 20}
        fresh["defaults"]["train"] |= {"epochs": 12, "early_stopping": None}
        fresh["runs"] = {"demo": run, "real": copy.deepcopy(run) | {"train": {"seed": 1}}}
        project.params = fresh
        project.write()
    shutil.copy(ROOT / "gate.yaml", work)
    rules = (work / "gate.yaml").read_text()
    (work / "gate.yaml").write_text(rules.replace("[demo_idx, demo_png]", "[demo]"))
    ignored = "/data/raw\n/data/checkpoints\n/data/locks\n/logs\n__pycache__\n.dvc/config.local\n"
    (work / ".gitignore").write_text(ignored)
    for command in (
        ("dvc", "remote", "add", "-d", "store", f"{folder / 'store'}"),
        ("dvc", "repro", "-q", *REPORTS),
        ("dvc", "push", "-q"),
    ):
        done = project.call(*command)
        assert done.returncode == 0, done.stdout
    git(work, "checkout", "-q", "-b", "main")
    git(work, "add", ".")
    git(work, "commit", "-qm", "main")
    git(folder, "clone", "-q", "--bare", f"{work}", f"{folder / 'origin'}")
    shutil.copytree(work / ".dvc/cache", folder / "authors_cache")
    return Host(folder, folder / "origin", quick)


def forged(folder, run):
    """Write predictions that are all right, and all that follows from them."""
    with chdir(folder):
        path, metrics = paths.predictions(run), paths.metrics(run)
        found = Predictions.read(path)
        right = np.eye(len(CLASSES), dtype=np.float32)[found.labels]
        found = found._replace(predicted=found.labels, probabilities=right)
        path.unlink()
        found.write(path)
        old = Evaluation.read(metrics / "evaluation.json")
        bins = Params.read().values["defaults"]["evaluate"].get("calibration_bins", 15)
        new = evaluate(found, CLASSES, old.train_accuracy, bins, old.validation)
        new.write(metrics / "evaluation.json")
        new.write_headline(metrics / "metrics.json")
        (metrics / "confusion.csv").unlink()
        confusion.write(metrics / "confusion.csv", found, CLASSES)


def edited(folder, run):
    """Write a greater accuracy into ``evaluation.json``, consistently."""
    path = folder / paths.metrics(run) / "evaluation.json"
    value = json.loads(path.read_text())
    value["loss"] /= 2
    path.write_text(json.dumps(value, indent=2))


def test_forged_predictions_are_stopped(host):
    author = Author(host, "forged")
    forged(author.folder, "demo")
    author.call("dvc", "commit", "-q", "-f", "evaluate@demo")
    author.commit()
    shown = author.is_stopped()
    assert "data/predictions/demo.parquet are not what data/models/demo predicts" in shown


@pytest.mark.parametrize("cache", [True, False])
def test_metrics_that_were_edited_by_hand_are_stopped(host, cache):
    author = Author(host, f"edited_{cache}")
    edited(author.folder, "demo")
    author.commit()
    if cache:
        shutil.copytree(host.folder / "authors_cache", host.folder / "cache")
    try:
        shown = author.is_stopped()
    finally:
        shutil.rmtree(host.folder / "cache", ignore_errors=True)
    assert "metrics/runs/demo/evaluation.json is not what was recorded" in shown


def test_an_invented_run_is_stopped(host):
    author = Author(host, "invented")
    runs = Params.read(author.folder / "params.yaml").values["runs"]
    author.set("runs.invented", runs["real"])
    metrics = author.folder / "metrics/runs"
    shutil.copytree(metrics / "real", metrics / "invented")
    edited(author.folder, "invented")
    author.commit()
    shown = author.is_stopped()
    assert "train@invented: not recorded in dvc.lock" in shown


def test_a_weakened_gate_is_stopped(host):
    author = Author(host, "weakened")
    path = author.folder / "gate.yaml"
    path.write_text(path.read_text().replace("absolute: 0.02", "absolute: 0.9"))
    author.set("runs.demo.train", {"epochs": 1})
    author.repro(*REPORTS)
    author.commit()
    shown = author.is_stopped()
    assert re.search(r"gate.yaml +\| rules .*worse: rules were changed", shown)
    assert re.search(r"run demo +\| accuracy .*\| worse", shown)


def test_a_lock_of_other_parameters_is_stopped(host):
    author = Author(host, "stale")
    author.set("runs.real.train", {"seed": 7})
    author.commit()
    shown = author.is_stopped()
    assert "train@real: parameters are not as recorded (runs.real.train)" in shown


def test_an_edited_history_is_stopped(host):
    author = Author(host, "history")
    path = author.folder / "metrics/runs/demo/history.csv"
    lines = path.read_text().splitlines()
    first = lines[1].split(",")
    lines[1] = ",".join([first[0], "0.99", *first[2:]])
    path.write_text("\n".join([*lines, ""]))
    author.call("dvc", "commit", "-q", "-f", "train@demo", "evaluate@demo", "report@demo")
    author.commit()
    shown = author.is_stopped()
    assert "train@demo: metrics/runs/demo/history.csv: committed is not what" in shown


def test_a_change_of_a_real_run_passes(host):
    author = Author(host, "real")
    author.set("runs.real.train", {"seed": 2, "epochs": 24})
    author.repro(*REPORTS)
    author.commit()
    shown = author.passes()
    assert "Curves of real" in shown
    assert "real: new weights, taken as committed" in shown
    assert "unchecked" not in shown


def test_a_lower_accuracy_of_a_run_that_ci_does_not_make_is_stopped(host):
    """Though nothing is changed that CI makes, which once is enough for then."""
    author = Author(host, "real_lower")
    author.set("runs.real.train", {"seed": 1, "epochs": 1})
    author.repro(*REPORTS)
    author.commit()
    shown = author.is_stopped()
    assert re.search(r"run real +\| accuracy .*\| worse", shown)


def test_a_comment_in_the_code_passes_once_it_is_recorded(host):
    author = Author(host, "comment")
    path = author.folder / "pipeline/core/errors.py"
    path.write_text(path.read_text() + "# A comment.\n")
    author.repro("report@demo")
    for name in ("data/models/real", "metrics/runs/real/figures"):  # as if nobody had pushed them
        shutil.rmtree(author.folder / name)
    for path in (author.folder / "metrics/runs/real").glob("*.[hm][td]*"):
        path.unlink()  # the report and its cards
    author.call("python", "-m", "pipeline", "record-code")
    author.commit(push=False)
    author.call("dvc", "push", "-q", *REPORTS)
    author.passes()


def test_a_comment_in_the_code_that_is_not_recorded_is_stopped(host):
    author = Author(host, "unrecorded")
    path = author.folder / "pipeline/core/errors.py"
    path.write_text(path.read_text() + "# A comment.\n")
    author.commit()
    shown = author.is_stopped()
    assert "train@real: dependencies are not as recorded (pipeline/core)" in shown


def test_a_figure_by_an_author_on_another_type_of_machine_passes(host):
    author = Author(host, "elsewhere")
    author.set("runs.demo.report", {"dpi": 60})
    machine = json.loads((author.folder / "metrics/runs/demo/machine.json").read_text())
    other = "onednn" if machine["kernels"] == "Eigen" else "eigen"
    author.repro("--force", "report@demo", PIPELINE_KERNELS=other)
    author.commit()
    author.passes()


def test_a_lower_accuracy_is_stopped(host):
    author = Author(host, "lower")
    author.set("runs.demo.train", {"epochs": 1})
    author.repro("report@demo")
    author.commit()
    shown = author.is_stopped()
    assert re.search(r"run demo +\| accuracy .*\| worse", shown)


def test_a_push_that_was_forgotten_is_stopped(host):
    author = Author(host, "forgotten")
    author.set("runs.real.train", {"seed": 3})
    author.repro(*REPORTS)
    author.commit(push=False)
    shown = author.is_stopped()
    assert "data/models/real is recorded, but is not in the remote; dvc push" in shown


def test_a_fork_passes_without_the_remote(host):
    author = Author(host, "fork")
    author.set("runs.demo.train", {"epochs": 16})
    author.repro("report@demo")
    author.commit(push=False)
    store = host.folder / "store"
    store.rename(host.folder / "unreachable")
    try:
        author.passes(FORK="true")
    finally:
        (host.folder / "unreachable").rename(store)


def test_a_figure_alone_passes_and_changes_no_metric(host):
    author = Author(host, "figure")
    author.set("runs.demo.report", {"dpi": 60})
    author.repro("report@demo")
    author.commit()
    shown = author.passes()
    assert "What makes or judges" not in shown
    assert "No curve and no confusion matrix changed." in shown


def test_a_review_that_was_silenced_is_named_by_git(host):
    """It finds nothing and names nothing: a person has to see its file."""
    author = Author(host, "silenced")
    forged(author.folder, "real")
    author.call("dvc", "commit", "-q", "-f", "evaluate@real")
    path = author.folder / "pipeline/verify/review.py"
    start = "    if changed := _changed():"
    path.write_text(path.read_text().replace(start, f"    return Review([], [], [])\n{start}"))
    author.commit()
    shown = author.passes()
    assert "the judging code itself changed" not in shown
    assert re.search(r"What makes or judges .*\n\n {5}pipeline/verify/review.py \| +1 \+\n", shown)
