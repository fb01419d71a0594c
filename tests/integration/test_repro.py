"""``dvc repro`` end to end, on the demo data, in a copy of the repository."""

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluate.predictions import Predictions
from pipeline.repository import lock_check
from tests.support.builders import ROOT
from tests.support.repository import DATA_STAGES, DEMOS, Copy, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("repro")]

START = "    network: cnn\n    weights: data/weights/none\n"


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """A copy in which both demos have been run, with two epochs."""
    copy = Copy(tmp_path_factory.mktemp("copy of the project"))
    copy.forget_all_but("demo")
    copy.committed = copy.lock()
    for name in ("demo_idx", "demo_png"):
        train = f"    dataset: {name}\n{START}    model: {{}}\n    train: {{track_test: true"
        copy.change(train, f"{train}, epochs: 2")
    copy.ran = copy.repro(*DEMOS)
    return copy


@pytest.fixture
def copy(reproduced):
    """The same copy, restored after each test from DVC's cache of runs."""
    params = reproduced.folder / "params.yaml"
    before = params.read_text()
    yield reproduced
    if params.read_text() != before:
        params.write_text(before)
        assert reproduced.repro(*DEMOS) == []


def test_everything_runs_once_and_then_nothing(copy):
    assert len(copy.ran) == len(set(copy.ran)) == 14
    assert copy.repro(*DEMOS) == []


def test_data_stages_are_those_of_the_committed_lock(copy):
    now = copy.lock()
    for name, stage in copy.committed.items():
        if name.startswith(DATA_STAGES) and "demo" in name:
            assert now[name]["outs"] == stage["outs"], name


def test_demos_learn(copy):
    assert copy.evaluation("demo_idx")["accuracy"] > 0.5
    assert copy.evaluation("demo_png")["accuracy"] > 0.3


@pytest.mark.parametrize(("run", "n"), [("demo_idx", 500), ("demo_png", 160)])
def test_validation_is_that_of_the_last_epoch(copy, run, n):
    folder = copy.folder / "metrics/runs" / run
    *_, last = csv.DictReader((folder / "history.csv").read_text().splitlines())
    found, headline = copy.evaluation(run), json.loads((folder / "metrics.json").read_text())
    assert found["validation"]["n"] == n
    for measure in ("accuracy", "loss"):
        expected = float(last[f"validation_{measure}"])
        assert found["validation"][measure] == headline[f"validation_{measure}"] == expected
        assert headline[measure] == found[measure]


def test_dropout_of_one_run_trains_that_run_alone(copy):
    model = f"    dataset: demo_idx\n{START}    model: {{"
    copy.change(model, f"{model}dropout: 0.5")
    ran = copy.repro(*DEMOS)
    assert ran == ["train@demo_idx", "evaluate@demo_idx", "report@demo_idx"]


def test_figure_draws_the_report_alone(copy):
    rest = (
        "    model: {}\n    train: {track_test: true, epochs: 2}\n    evaluate: {}\n    report: {"
    )
    run = f"    dataset: demo_png\n{START}{rest}"
    copy.change(run, f"{run}samples_per_class: 2")
    assert copy.repro(*DEMOS) == ["report@demo_png"]


def test_test_fraction_starts_at_split(copy):
    copy.change(
        "      test_fraction: 0.2\n      validation_fraction: 0.1",
        "      test_fraction: 0.3\n      validation_fraction: 0.1",
    )
    ran = copy.repro(*DEMOS)
    assert ran == ["split@demo_png", "train@demo_png", "evaluate@demo_png", "report@demo_png"]
    assert copy.evaluation("demo_png")["n"] == 600


@pytest.mark.parametrize("dataset", ["demo_idx", "demo_png"])
def test_one_worker_gives_the_bytes_of_two(copy, dataset):
    before = copy.lock()[f"decode@{dataset}"]["outs"]
    for workers in "1", "2":
        assert copy.repro("-f", "-s", f"decode@{dataset}", PIPELINE_WORKERS=workers)
        assert copy.lock()[f"decode@{dataset}"]["outs"] == before


def test_npz_works_through_to_the_report(copy):
    before = copy.evaluation("demo_png")
    shape = "      shape:\n      - 32\n      - 32\n      - 3\n"
    copy.change(f"      format: parquet\n{shape}", f"      format: npz\n{shape}")
    ran = copy.repro("report@demo_png")
    assert "decode@demo_png" in ran
    with np.load(copy.folder / "data/shards/demo_png/part-00000.npz") as arrays:
        assert arrays["image"].shape == (1000, 32, 32, 3)
    assert copy.evaluation("demo_png") == before


def test_an_untouched_tree_is_verified(copy):
    assert copy.call(sys.executable, "-m", "pipeline", "verify") == "all that is here agrees\n"


def test_a_remote_is_verified(copy, tmp_path):
    verify = sys.executable, "-m", "pipeline", "verify", "--remote", "store"
    copy.call("dvc", "remote", "add", "--local", "store", str(tmp_path / "store"))
    copy.call("dvc", "push", "-r", "store", *DEMOS, "--with-deps")
    expected = "all that is here agrees, and the remote holds all that dvc.lock records\n"
    assert copy.call(*verify) == expected
    path = max((tmp_path / "store").rglob("*"), key=lambda path: path.stat().st_size)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"changed")
    done = run(verify, copy.folder)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"is damaged on the remote store; remove {path}" in done.stderr


def test_a_flipped_byte_in_any_output_is_found(copy, monkeypatch):
    monkeypatch.chdir(copy.folder)
    outputs = {
        Path(out["path"])
        for name, stage in copy.lock().items()
        if "@demo" in name
        for out in stage["outs"]
    }
    assert len(outputs) >= 24
    for output in sorted(outputs):
        path = max(output.rglob("*")) if output.is_dir() else output
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        faults = list(lock_check.faults())
        path.write_bytes(whole)
        assert any(f"{output} is not what was recorded" in fault for fault in faults), output
    assert list(lock_check.faults()) == []


def test_what_was_not_reproduced_is_found(copy, monkeypatch):
    monkeypatch.chdir(copy.folder)
    copy.change("    dropout: 0.0", "    dropout: 0.1")
    faults = "\n".join(lock_check.faults())
    assert "train@demo_idx: parameters are not as recorded (defaults.model" in faults
    assert "train@demo_png: parameters" in faults
    assert "decode@" not in faults
    code = copy.folder / "pipeline/images/decode.py"
    text = code.read_text()
    code.write_text(text + "# changed\n")
    faults = list(lock_check.faults())
    code.write_text(text)
    wrong = "decode@demo_png: dependencies are not as recorded (pipeline/images)"
    assert any(wrong in fault for fault in faults)


@pytest.mark.parametrize(
    ("run", "source", "form"),
    [
        ("demo_png", "data/demo/png/train.7z", "{source}:train/{id}.png"),
        ("demo_idx", "data/demo/idx/t10k-images-idx3-ubyte.gz", "{source}:{id}"),
    ],
)
def test_raw_images_are_predicted_as_evaluate_predicted_them(copy, run, source, form):
    command = sys.executable, "-m", "pipeline", "predict", run, source
    said = copy.call(*command, "--format", "jsonl", "--top", "10")
    answers = {value["image"]: value for value in map(json.loads, said.splitlines())}
    expected = Predictions.read(copy.folder / f"data/predictions/{run}.parquet")
    assert len(expected.ids) == copy.evaluation(run)["n"]
    noted = 0
    for n, name in enumerate(expected.ids):
        one = answers[form.format(source=source, id=name.removeprefix("test-"))]
        labels = [answer["label"] for answer in one["predictions"]]
        row = expected.probabilities[n, labels]
        given = np.float32([answer["probability"] for answer in one["predictions"]])
        assert labels[0] == expected.predicted[n]
        np.testing.assert_allclose(given, row, rtol=1e-5)
        noted += bool(one["notes"])
    assert noted <= 0.01 * len(expected.ids)  # few look unlike the training images


def test_what_the_docs_say_of_using_models_runs(copy):
    text = (ROOT / "docs/using-models.md").read_text()
    blocks = re.findall(r"```(sh|python)\n(.*?)```", text, re.S)
    assert len(blocks) > 4
    said = ""
    for language, code in blocks:
        shell = ["sh", "-ec"] if language == "sh" else [sys.executable, "-c"]
        said += copy.call(*shell, code)
    assert said.count("  boot.png\n") == 2  # alone, and by the pattern
    assert (copy.folder / "predictions.csv").read_text().count("\n") == 2001
    assert "data/exports/demo_png: a SavedModel of" in said
    assert "(2, 10)" in said


def test_unknown_run_is_one_line_with_what_there_is(copy):
    done = run([sys.executable, "-m", "stages.train", "nothing"], copy.folder)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "runs.nothing is missing" in done.stderr
    assert "demo_idx" in done.stderr


def test_plots_of_curves_and_confusion_matrices_are_drawn(copy):
    """Matrices are drawn by name: DVC would warn of each that is not here if they were plots."""
    copy.call("dvc", "plots", "show", "-o", "plots")
    html = (copy.folder / "plots/index.html").read_text()
    for expected in ("train_accuracy", "validation_loss"):
        assert expected in html
    matrix = "metrics/runs/demo_idx/confusion.csv"
    options = "--template", "confusion", "-x", "actual", "-y", "predicted"
    copy.call("dvc", "plots", "show", "-o", "plots", matrix, *options)
    assert matrix in (copy.folder / "plots/index.html").read_text()
