import shutil
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from networks import cnn
from pipeline.core import files, paths
from pipeline.evaluate import calibration
from pipeline.evaluate.params import EvaluateParams
from pipeline.report import html
from pipeline.report.params import ReportParams, SectionName
from pipeline.report.sections import page as pages
from pipeline.report.sections.pictured import filters
from pipeline.report.sections.section import Section
from tests.support import reports
from tests.support.reports import Parsed


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def words(**changes):
    """Return the words of the page of what was made, with other results."""
    return " ".join(Parsed(pages.page(replace(reports.results(), **changes))).words)


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
    page = Parsed(pages.page(reports.results()))
    templates = {path.name for path in (html.FOLDER / "sections").iterdir()}
    assert templates == {f"{name}.html.j2" for name in pages.SECTIONS}
    present = [name for name in pages.SECTIONS if name not in ("start", "attention")]
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
    entry = ("Mine", lambda results: Section({"n": len(results.classes)}))
    monkeypatch.setattr(pages, "SECTIONS", {**pages.SECTIONS, "own": entry})
    page = Parsed(pages.page(reports.results()))
    assert page.all("a")[-1] == {"href": "#own"}
    assert "3 of demo" in page.words


def copied(folder, to):
    """Return a copy of a folder."""
    return Path(shutil.copytree(folder, to))


def test_the_caveat_stands_where_the_test_curve_does():
    reports.make()
    caveat = "drawn for comparison only"
    assert caveat not in words()
    history = reports.results().history
    extra = {f"test_{name}": history[f"train_{name}"] for name in ("loss", "accuracy")}
    assert caveat in words(history={**history, **extra})


def test_parameters_that_are_left_out_are_the_other_stages_defaults():
    assert EvaluateParams().calibration_bins == calibration.BINS
    assert cnn.Params().activation == filters.ACTIVATION


def test_a_section_that_is_hidden_is_neither_there_nor_linked():
    reports.make()
    page = Parsed(pages.page(reports.results(ReportParams(hide=("confusion", "filters")))))
    ids = [one["id"] for one in page.all("section")]
    assert {"confusion", "filters"} & {*ids, *(link["href"][1:] for link in page.all("a"))} == set()
    assert "training" in ids


def test_every_section_can_be_hidden():
    assert get_args(SectionName) == tuple(pages.SECTIONS)
