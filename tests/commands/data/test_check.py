"""Checking all parameters."""

import subprocess
import sys
from typing import get_args

import pytest

from pipeline.extract.kind import Kind


@pytest.mark.slow
def test_check_finds_every_fault(call, project):
    assert call("check").stdout == "params.yaml: 2 datasets and 2 runs are valid\n"
    project.set("runs.tiny_idx.dataset", "nothing")
    project.set("runs.tiny_png.model", {"dropout": 7.0})
    project.set("datasets.tiny_idx.decode.shard_rows", 0)
    project.set("datasets.tiny_png.kind", "folder")
    *kinds, last_kind = get_args(Kind)
    done = call("check")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    for expected in (
        "runs.tiny_idx.dataset: there is no dataset 'nothing'",
        "runs.tiny_png.model.dropout: must be less than 1, got 7.0",
        "datasets.tiny_idx.decode.shard_rows: must be greater than 0, got 0",
        f"datasets.tiny_png.kind: must be {', '.join(kinds)} or {last_kind}, got 'folder'",
    ):
        assert expected in done.stderr


def test_check_names_an_output_that_is_a_link(inside, project):
    (project.folder / "metrics").symlink_to("elsewhere")
    status, _, err = inside("check")
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith("pipeline check: metrics is a link; nothing is written")


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
def test_check_names_the_full_key(inside, project, key, value, message):
    project.set(key, value)
    status, _, err = inside("check")
    assert status == 1
    assert message in err


def test_a_folder_with_parameters_is_a_study_if_it_is_a_dvc_project(inside, project):
    other = project.folder / "other"
    (other / ".dvc").mkdir(parents=True)
    (other / "params.yaml").write_text("a: 1\n")
    assert inside("check")[0] == 1
    (other / ".dvc").rmdir()
    assert inside("check")[0] == 0


def test_check_names_weights_that_nothing_can_fetch(inside, project):
    project.set("runs.tiny_idx.weights", "data/weights/published.h5")
    status, _, err = inside("check")
    assert (status, err.count("\n")) == (1, 1)
    assert "runs.tiny_idx.weights: data/weights/published.h5 is not here, and no DVC file" in err
    (project.folder / "data/weights").mkdir(parents=True, exist_ok=True)
    tracked = project.folder / "data/weights/published.h5.dvc"
    tracked.write_text("outs: [{path: published.h5}]\n")
    assert inside("check")[0] == 0
    tracked.unlink()
    (project.folder / "data/weights/published.h5").touch()
    assert inside("check")[0] == 0
    project.set("runs.tiny_idx.weights", "data/models/tiny_png")  # not trained yet
    assert inside("check")[0] == 0


def test_check_without_parameters_says_where_to_run_it(inside, project):
    (project.folder / "params.yaml").unlink()
    status, _, err = inside("check")
    assert status == 1
    assert "params.yaml is missing; run this in the folder of dvc.yaml" in err


def test_check_imports_no_tensorflow():
    script = "import sys, pipeline.schema; print('tensorflow' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"
