"""Experiments and the study by DVC: every command of docs/experiments.md, run in a copy."""

import csv
import json
import re
import subprocess

import pytest

from tests.support.repository import ENVIRONMENT, Copy, blocks, commit

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("experiments")]

RUN = "dataset: demo_idx, network: cnn, weights: data/weights/none, evaluate: {}"
RUNS = f"""\
runs:
  baseline_0: {{{RUN}, model: {{}}, train: {{seed: 0}}}}
  baseline_1: {{{RUN}, model: {{}}, train: {{seed: 1}}}}
  normalized_0: {{{RUN}, model: {{batch_normalization: true}}, train: {{seed: 0}}}}
  normalized_1: {{{RUN}, model: {{batch_normalization: true}}, train: {{seed: 1}}}}
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy, committed, in which demo_idx was run for one epoch."""
    copy = Copy(tmp_path_factory.mktemp("copy of the project"))
    copy.forget_all_but("demo")
    copy.change("    epochs: 10\n", "    epochs: 1\n")
    for key, value in (("user.name", "Ann"), ("user.email", "ann@example.org")):
        copy.call("git", "config", key, value)  # for commits of the documentation's commands
    copy.call("dvc", "repro", "report@demo_idx")
    commit(copy.folder)
    return copy


def shell(copy, block):
    """Run a block of commands, which must succeed; return both of its outputs as one."""
    done = subprocess.run(
        ["bash", "-euc", block],
        cwd=copy.folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_recipes_of_experiments_as_they_are_written(copy):
    before = copy.evaluation("demo_idx")
    one, compare, back = blocks("experiments.md", "Try one value")
    shown = shell(copy, one)
    assert set(re.findall(r"Running stage '(.*)'", shown)) == {
        f"{stage}@demo_idx" for stage in ("train", "evaluate", "report")
    }
    assert "dropout: 0.3" in (copy.folder / "params.yaml").read_text()
    after = copy.evaluation("demo_idx")
    assert after["accuracy"] != before["accuracy"]
    assert re.search(r"/metrics\.json +accuracy +[\d.]+ +[\d.]+ +-?[\d.e-]+", shown), shown
    assert (copy.folder / "dvc_plots/index.html").exists()
    assert "McNemar's exact test" in shell(copy, compare)
    shell(copy, back)
    assert copy.evaluation("demo_idx") == before
    assert copy.repro("report@demo_idx") == []

    (grid,) = blocks("experiments.md", "A grid, one after another")
    shell(copy, grid)
    narrow, wide = blocks("experiments.md", "The table")
    header, *_ = shell(copy, wide.replace("--only-changed", "--only-changed --csv")).splitlines()
    assert header.count(",") < 40
    shell(copy, narrow)
    lines = (copy.folder / "experiments.csv").read_text().splitlines()
    assert max(map(len, lines)) <= 80
    rows = [row for row in csv.DictReader(lines) if row["Experiment"]]
    assert {
        (row["Experiment"], row["dropout"], row["optimizer.learning_rate"]) for row in rows
    } >= {
        (f"dropout-{dropout}-rate-{rate}", dropout, rate)
        for dropout in ("0.2", "0.4")
        for rate in ("0.001", "0.003")
    }
    best = [float(row["validation_accuracy"]) for row in rows]
    assert best == sorted(best, reverse=True)
    (copy.folder / "experiments.csv").unlink()

    offline, matrices = blocks("experiments.md", "Plots")
    shell(copy, offline + matrices)
    page = (copy.folder / "dvc_plots/index.html").read_text()
    assert "cdn.jsdelivr.net" not in page.rpartition("<body>")[2]
    assert "predicted" in page.rpartition("<body>")[2]

    apply, remove = blocks("experiments.md", "A good one becomes a run")
    shell(copy, apply)
    assert copy.repro("report@demo_idx") == []
    head = copy.call("git", "show", "HEAD:params.yaml")
    assert "dropout: 0.2" in head
    assert "learning_rate: 0.001" in head
    shell(copy, remove)
    assert "dropout" not in copy.call("dvc", "exp", "list")


def test_study_runs_what_is_left_and_then_nothing(copy):
    path = copy.folder / "ablation/params.yaml"
    text = path.read_text().replace("fashion_mnist: {}", "demo_idx: {}")
    path.write_text(re.sub(r"epochs: 10", "epochs: 1", text[: text.index("\nruns:\n") + 1]) + RUNS)
    check, data, repro = blocks("experiments.md", "One change at a time")[0].splitlines()
    assert data == "dvc repro split@fashion_mnist"  # the demo's is there
    assert "4 runs of 2 changes are valid" in shell(copy, check)
    ran = re.findall(r"Running stage '(.*)'", shell(copy, repro))
    assert len(ran) == len(set(ran)) == 4 + 4 + 1
    assert "Running stage" not in shell(copy, repro)
    study = json.loads((copy.folder / "ablation/metrics/ablation.json").read_text())
    assert study["missing"] == []
    assert set(study["changes"]) == {"baseline", "normalized"}
    assert study["changes"]["normalized"]["interval"]
    assert study["changes"]["baseline"]["multiply_adds"] == 7_714_560
    assert "McNemar" in shell(
        copy, "python -m pipeline compare ablation/baseline_0 ablation/normalized_0"
    )
    third = RUNS.splitlines()[-1].replace("_1", "_2").replace("seed: 1", "seed: 2")
    path.write_text(f"{path.read_text()}{third}\n")
    added = re.findall(r"Running stage '(.*)'", shell(copy, repro))
    assert added == ["train@normalized_2", "evaluate@normalized_2", "ablation"]
    assert copy.repro("report@demo_idx") == []
    commit(copy.folder)
    assert not copy.call("git", "ls-files", "ablation/data", "ablation/metrics/ablation.html")
    assert copy.call("git", "ls-files", "ablation/metrics/ablation.png", "ablation/dvc.lock")
