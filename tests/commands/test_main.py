"""The command line, as it is typed."""

import json
import os
import re
import subprocess
import sys

import pytest

from pipeline import __main__
from pipeline.models import cnn, saved
from pipeline.models.params import ModelParams
from pipeline.shards.index import Statistics
from tests.compare.test_runs import predictions
from tests.support.builders import CLASSES, ROOT

STATISTICS = Statistics((0.5,) * 3, (0.25,) * 3)


@pytest.fixture
def call(project):
    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_check_finds_every_fault(call, project):
    assert call("check").stdout == "params.yaml: 2 datasets and 2 runs are valid\n"
    project.set("runs.tiny_idx.dataset", "nothing")
    project.set("runs.tiny_png.model", {"dropout": 7.0})
    project.set("datasets.tiny_idx.decode.shard_rows", 0)
    project.set("datasets.tiny_png.kind", "folder")
    done = call("check")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    for expected in (
        "runs.tiny_idx.dataset: there is no dataset 'nothing'",
        "runs.tiny_png.model.dropout: must be less than 1, got 7.0",
        "datasets.tiny_idx.decode.shard_rows: must be greater than 0, got 0",
        "datasets.tiny_png.kind: must be idx, archive or parquet, got 'folder'",
    ):
        assert expected in done.stderr


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "defaults.train.epochs",
            "ten",
            'defaults.train.epochs: must be a valid integer, got "ten"',
        ),
        ("extra", {}, "extra: unknown key; allowed: datasets, defaults, runs"),
        ("datasets.Upper-case", {}, "datasets.Upper-case"),
        ("datasets.tiny_idx.splt", {}, "datasets.tiny_idx.splt: unknown key; did you mean split?"),
    ],
)
def test_check_names_the_full_key(call, project, key, value, message):
    project.set(key, value)
    done = call("check")
    assert done.returncode == 1
    assert message in done.stderr


def test_check_without_parameters_says_where_to_run_it(call, project):
    (project.folder / "params.yaml").unlink()
    done = call("check")
    assert done.returncode == 1
    assert "params.yaml is missing; run this in the folder of dvc.yaml" in done.stderr


def test_summary_shows_the_evaluated_runs(call, project):
    assert "not evaluated yet: tiny_idx, tiny_png" in call("summary").stdout
    folder = project.folder / "metrics/runs/tiny_idx"
    folder.mkdir(parents=True)
    found = {
        "accuracy": 0.875,
        "accuracy_interval": {"low": 0.5, "high": 0.99},
        "n": 12_345,
        "train_accuracy": 0.9,
        "loss": 0.25,
    }
    (folder / "evaluation.json").write_text(json.dumps(found))
    header, row, rest = call("summary").stdout.splitlines()
    assert header.split()[:4] == ["run", "dataset", "n", "accuracy"]
    assert row.split()[:4] == ["tiny_idx", "tiny_idx", "12,345", "0.8750"]
    assert row.endswith("dvc repro report@tiny_idx")
    assert rest == "not evaluated yet: tiny_png"
    (folder / "report.html").write_text("")
    assert "metrics/runs/tiny_idx/report.html" in call("summary").stdout


def test_lock_writes_the_tracked_versions(call, project):
    committed = (ROOT / "libraries.yaml").read_text()
    (project.folder / "libraries.yaml").unlink()
    (project.folder / "requirements.lock").write_text((ROOT / "requirements.lock").read_text())
    assert call("lock").returncode == 0
    assert (project.folder / "libraries.yaml").read_text() == committed


def test_help_names_every_command_and_is_what_stands_alone(call):
    done = call("--help")
    assert done.returncode == 0
    for command in ("check", "summary", "resolve-lock"):
        assert re.search(rf"^    {command}\s+[A-Z]", done.stdout, re.M)
    alone = call()
    assert (alone.returncode, alone.stdout) == (0, done.stdout)


def test_unknown_command_is_refused(call):
    done = call("chek")
    assert done.returncode == 2
    assert "invalid choice: 'chek'" in done.stderr
    assert "did you mean check?" in done.stderr


def test_check_imports_no_tensorflow():
    script = "import sys, pipeline.schema; print('tensorflow' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


def write_predictions(project, run, seed):
    one = predictions(0.8, seed)
    one.write(project.folder / f"data/predictions/{run}.parquet")


def test_compare_two_runs(call, project):
    write_predictions(project, "tiny_idx", 1)
    write_predictions(project, "tiny_png", 2)
    done = call("compare", "tiny_idx", "tiny_png")
    assert "McNemar's exact test: p = " in done.stdout
    assert (
        json.loads(call("compare", "tiny_idx", "tiny_png", "--format", "json").stdout)["n"] == 300
    )
    for run in "tiny_jdx", "tiny_jdx@main":
        assert call("compare", run, "x").returncode == 1
    said = call("compare", "tiny_idx", "tiny_pnq").stderr
    assert "runs.tiny_pnq is missing; did you mean tiny_png? runs has: tiny_idx, tiny_png" in said
    (project.folder / "data/predictions/tiny_png.parquet").unlink()
    said = call("compare", "tiny_idx", "tiny_png").stderr
    assert "tiny_png.parquet is missing; get it with dvc pull, or run: dvc repro evaluate@" in said


def test_compare_runs_of_a_study(call, project):
    study = project.folder / "ablation"
    study.mkdir()
    run = {"dataset": "tiny_png", "model": {}, "train": {}, "evaluate": {}}
    values = {"datasets": {"tiny_png": {}}, "defaults": {}, "runs": {"plain_0": run}}
    (study / "params.yaml").write_text(json.dumps(values))
    predictions(0.8, 1).write(study / "data/predictions/plain_0.parquet")
    predictions(0.9, 2).write(project.folder / "data/predictions/tiny_png.parquet")
    done = call("compare", "ablation/plain_0", "tiny_png")
    assert "ablation/plain_0: accuracy 0.8" in done.stdout, done.stderr
    assert "emu" in done.stdout


def test_the_gate_fails_when_a_metric_is_worse(call, project):
    def git(*command):
        identity = ["-c", "user.name=x", "-c", "user.email=x"]
        subprocess.run(["git", *identity, *command], cwd=project.folder, check=True)

    path = project.folder / "metrics/runs/tiny_idx/evaluation.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"accuracy": 0.9}')
    rules = "rules: [{metrics: accuracy, better: higher, absolute: 0.02}]"
    (project.folder / "gate.yaml").write_text(rules)
    git("init", "-q", "-b", "main")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=project.folder, check=True)
    git("add", "metrics", "gate.yaml", ".dvc")
    git("commit", "-qm", "all")
    done = call("gate")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "pass, 1 are the same" in done.stdout
    path.write_text('{"accuracy": 0.8}')
    done = call("gate", "--baseline", "HEAD", "--format", "markdown")
    assert done.returncode == 1
    assert "1 of 1 comparisons with HEAD fail" in done.stdout
    assert "| run tiny\\_idx | accuracy" in done.stdout
    assert "there is no Git revision nothing" in call("gate", "--baseline", "nothing").stderr


def test_predict_says_what_is_missing_without_a_model(call, project):
    done = call("predict", "tiny_png", "x.png")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "dvc repro train@tiny_png" in done.stderr
    assert "dvc pull train@tiny_png" in done.stderr


@pytest.fixture
def here(project, tensorflow, monkeypatch, capsys):
    """Call a command in this process, where TensorFlow is: status, standard output and error."""
    project.set("defaults.evaluate.threads", 2)  # as all tests have them
    built = cnn.build(ModelParams(filters=(2,), dense=(3,)), (8, 8, 3), 3, STATISTICS)
    saved.save(saved.Model(built, CLASSES), project.folder / "data/models/tiny_png")
    capsys.readouterr()

    def here(*arguments):
        monkeypatch.setenv("PIPELINE_LOG", "")  # which --quiet sets
        monkeypatch.setattr(sys, "argv", ["pipeline", *arguments])
        status = 0
        try:
            __main__.main()
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return here


def test_predict_goes_on_after_what_cannot_be_read(here, project):
    (project.folder / "bad.png").write_bytes(b"no image")
    given = "data/raw/tiny_png/train.7z", "bad.png"
    status, out, err = here("predict", "tiny_png", *given, "--format", "csv", "--top", "1")
    assert status == 1
    assert out.startswith("image,class_1,probability_1,notes\n")
    assert out.count("train.7z:train/") == 30
    assert "pipeline predict: bad.png cannot be decoded\n" in err
    assert re.search(r"30 images in .* s \(.*/s\), 1 could not be read\n$", err)


def test_predict_with_a_models_folder_quietly(here):
    archive = "data/raw/tiny_png/train.7z"
    status, out, err = here("predict", "data/models/tiny_png", archive, "--quiet", "--invert")
    assert (status, err, out.count("\n")) == (0, "", 31)


def test_export_writes_where_it_is_told(here, project):
    assert here("export", "tiny_png")[1].startswith("data/exports/tiny_png: a SavedModel of ")
    assert here("export", "tiny_png", "served/1")[0] == 0
    for folder in ("data/exports/tiny_png", "served/1"):
        assert (project.folder / folder / "saved_model.pb").exists()
