import base64
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from networks import cnn
from pipeline.core import files, paths
from pipeline.evaluate import calibration
from pipeline.evaluate.params import EvaluateParams
from pipeline.report import html, sections
from tests.support import reports
from tests.support.reports import Parsed


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def words(**changes):
    """Return the words of the page of what was made, with other results."""
    return " ".join(Parsed(sections.page(replace(reports.results(), **changes))).words)


def test_the_page_shows_the_results():
    reports.make()
    shown = words()
    for expected in (
        "76.67%",
        "measured on its 30 test images",
        "95% interval 59.07% to 88.21%",
        "optimizer name adam",
        "epochs 2 set by this run",
        "Values of all epochs epoch train loss train accuracy validation loss",
        "1 0.9 0.5 0.4 0.8 0.001 2 0.5 0.75 0.4 0.8 0.001",
        "cat dog 3 30.00% Show",
        "Images for train 25 Images for validation 5 Images for test 30",
        "cat 030 033",
        "00" * 32,
        "data/splits/tiny.parquet",
        "pipeline/report/html.py",
        "pipeline/report/templates/sections/training.html.j2",
        "dvc repro report@demo",
    ):
        assert expected in shown


def test_each_section_has_a_template_a_heading_and_a_link():
    reports.make()
    page = Parsed(sections.page(reports.results()))
    templates = {path.name for path in (html.FOLDER / "sections").iterdir()}
    assert templates == {f"{name}.html.j2" for name in sections.SECTIONS}
    present = [name for name in sections.SECTIONS if name != "start"]
    assert [one["id"] for one in page.all("section")] == present
    assert len(page.all("h2")) == len(present)
    links = [link["href"] for link in page.all("a")]
    assert links == [f"#{name}" for name in present]


@pytest.mark.slow
def test_a_run_from_weights_names_the_layers_that_were_taken():
    reports.make()
    files.write_json(
        paths.model(reports.RUN) / "start.json",
        {
            "transferred": {
                "path": "data/models/other",
                "by": "name",
                "taken": [{"name": "convolution_1", "source": "convolution_1", "values": 300}],
                "fresh": [{"name": "logits", "values": 1700, "reason": "4x10 in the file"}],
                "left": [],
            },
            "phases": [
                {"first": 1, "last": 2, "weights": 1700},
                {"first": 3, "last": 5, "weights": 2000},
            ],
        },
    )
    shown = words()
    for expected in (
        "took weights from data/models/other : 300 of 2,000 values, layers matched by their name",
        "1 to 2 1,700 3 to 5 2,000",
        "Layers that were taken: 1 Layer Values From the layer convolution_1 300 convolution_1",
        "Layers with fresh weights: 1 Layer Values Why logits 1,700 4x10 in the file",
        "Layers of the file that were left: 0",
    ):
        assert expected in shown
    reports.write()
    card = (paths.metrics(reports.RUN) / "model_card.md").read_text()
    assert "took weights from `data/models/other`, 1 layers" in card


def test_a_section_of_ones_own_is_one_entry(tmp_path, monkeypatch):
    reports.make()
    monkeypatch.setattr(html, "FOLDER", copied(html.FOLDER, tmp_path / "templates"))
    (html.FOLDER / "sections/own.html.j2").write_text("<h2>Own</h2><p>{{ n }} of {{ run }}</p>")
    entry = ("Mine", lambda results: sections.Section({"n": len(results.classes)}))
    monkeypatch.setattr(sections, "SECTIONS", {**sections.SECTIONS, "own": entry})
    page = Parsed(sections.page(reports.results()))
    assert page.all("a")[-1] == {"href": "#own"}
    assert "3 of demo" in page.words


def copied(folder, to):
    """Return a copy of a folder."""
    return Path(shutil.copytree(folder, to))


def test_a_model_without_filters_has_no_such_section():
    reports.make()
    assert "What the first layer sees" in words()
    assert "What the first layer sees" not in words(layer=None)


def test_the_caveat_stands_where_the_test_curve_does():
    reports.make()
    caveat = "drawn for comparison only"
    assert caveat not in words()
    history = reports.results().history
    extra = {f"test_{name}": history[f"train_{name}"] for name in ("loss", "accuracy")}
    assert caveat in words(history={**history, **extra})


def test_parameters_that_are_left_out_are_the_other_stages_defaults():
    assert EvaluateParams().calibration_bins == calibration.BINS
    assert cnn.Params().activation == sections.ACTIVATION


def test_cells_have_counts_and_both_rates():
    reports.make(classes=("cat", "dog"), n=8, validation=False, wrong=1)
    rows = sections.confusion_matrix(reports.results()).rows
    assert rows[1] == {
        "actual": "cat", "predicted": "dog", "count": 1, "recall": 0.5, "precision": 1 / 3,
    }  # fmt: skip
    assert len(rows) == 4


def test_a_class_without_test_images_has_rates_of_zero():
    reports.make(classes=("cat", "dog", "emu", "yak"), n=7, validation=False, wrong=1)
    rows = sections.confusion_matrix(reports.results()).rows
    assert {row["recall"] for row in rows if row["actual"] == "yak"} == {0}


def test_of_many_cells_only_those_with_images_are_there():
    reports.make(classes=tuple(f"class {number}" for number in range(30)), n=90, wrong=2)
    rows = sections.confusion_matrix(reports.results()).rows
    assert len(rows) == np.count_nonzero(reports.results().confusion) < 900


@pytest.mark.parametrize("shape", [(6, 5, 3), (40, 50, 1)])
def test_matrices_hold_the_exact_integers_of_the_middle(shape):
    reports.make(shape=shape, noise=True)
    dataset = reports.results().dataset
    found = sections.matrices(dataset)
    rows, columns = min(shape[0], 32), min(shape[1], 32)
    assert (found["rows"], found["columns"], found["bytes"]) == (rows, columns, 1)
    assert (found["top"], found["left"]) == ((shape[0] - rows) // 2, (shape[1] - columns) // 2)
    values = np.frombuffer(base64.b64decode(found["images"][0]["values"]), np.uint8)
    row = dataset.split.rows("train")[:1]
    whole = np.rint(dataset.take(row)[0] * 255)
    expected = whole[found["top"] :, found["left"] :][:rows, :columns]
    np.testing.assert_array_equal(values.reshape(rows, columns, shape[2]), expected)
    assert len(found["images"]) == sections.MATRICES
