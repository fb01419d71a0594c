"""Classifying images with a run's model, or without one."""

import json
import re

import pytest


@pytest.mark.slow
def test_predict_says_what_is_missing_without_a_model(call, project):
    done = call("predict", "tiny_png", "x.png")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "dvc repro train@tiny_png" in done.stderr
    assert "dvc pull train@tiny_png" in done.stderr


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
    status, out, err = here(
        "predict", "data/models/tiny_png", archive, "--quiet", "--format", "json"
    )
    assert (status, err, len(json.loads(out))) == (0, "", 30)
