import hashlib
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import vl_convert
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from matplotlib import get_data_path

from pipeline.report import charts, figures
from pipeline.report.charts import Chart
from pipeline.report.sections.measured import calibration, classes, training
from tests.support import reports
from tests.support.builders import ROOT

NAMES = (r"$\frac{", "50% _off_", "naïve", "猫", "</b>&", "x" * 200)
DRAWN = ("curves", "confusion", "classes")
"""The figures that are charts."""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def results():
    reports.make(classes=NAMES)
    return reports.results()


def svg(spec):
    """Return a chart as SVG, as it is before its colours are set."""
    return vl_convert.vegalite_to_svg(spec)


def digests(folder):
    """Return the SHA-256 of each chart, drawn into a folder."""
    found = {}
    for name in DRAWN:
        path = folder / f"{name}.png"
        figures.save(figures.FIGURES[name](reports.results()), path, 50)
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.mark.slow
def test_another_process_without_installed_fonts_writes_the_same_bytes(results, tmp_path):
    """fontconfig is given a folder in which another font has DejaVu Sans's name, and no other."""
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    (fonts / "fonts.conf").write_text(f"<fontconfig><dir>{fonts}</dir></fontconfig>")
    rename(f"{get_data_path()}/fonts/ttf/DejaVuSerif.ttf", fonts / "other.ttf")
    code = (
        "import json, pathlib\n"
        "from tests.report.test_figures import digests\n"
        "print(json.dumps(digests(pathlib.Path())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {"FONTCONFIG_FILE": str(fonts / "fonts.conf"), "TZ": "Asia/Tokyo", "LC_ALL": "C"}
        | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == digests(tmp_path)


def rename(font, to):
    """Write a font under the name of DejaVu Sans."""
    opened = TTFont(font)
    for entry in opened["name"].names:
        if entry.nameID in figures.NAME_IDS:
            entry.string = "DejaVu Sans"
    opened.save(to)


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_is_an_opaque_png_in_the_pages_colours(results, name):
    path = results.dataset.folder / "a.png"
    figures.save(figures.FIGURES[name](results), path, 96)
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert (pixels[..., 3] == 255).all()
    assert (pixels[0, 0] == 255).all()
    colour = {"curves": "#0072b2", "confusion": "#005a8f", "classes": "#e69f00"}[name]
    rgb = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    near = np.abs(pixels[..., 2::-1].astype(int) - rgb).max(axis=-1) <= (
        90 if name == "confusion" else 1
    )
    assert near.sum() > 50


@pytest.mark.parametrize("dpi", [50, 300])
def test_dpi_are_pixels_an_inch_of_96_css_pixels(results, dpi, tmp_path):
    spec = figures.still(classes.scores(results), 700)
    shapes = []
    for resolution in (96, dpi):
        figures.save(spec, tmp_path / "a.png", resolution)
        shapes.append(cv2.imread(str(tmp_path / "a.png")).shape[:2])
    np.testing.assert_allclose(shapes[1], np.multiply(shapes[0], dpi / 96), atol=1.5)


def test_names_are_shown_as_the_font_can_show_them(results):
    shown = svg(figures.confusion(results))
    for name in (r"$\frac{", "50% _off_", "naïve", r"\u732b", "&lt;/b&gt;&amp;", "xxx…"):
        assert name in shown
    assert shown.count(">naïve</text>") == 2


def test_curves_stand_side_by_side_with_one_legend(results):
    drawn = svg(figures.curves(results))
    for text in ("Loss", "Accuracy", "train (mean over the epoch)", "validation"):
        assert drawn.count(f">{text}</text>") == 1
    assert "test (drawn, not used)" not in drawn
    spec = figures.curves(results)
    rows = [part["data"]["values"] for part in spec["hconcat"]]
    assert [[row["train"] for row in part] for part in rows] == [[0.9, 0.5], [0.5, 0.75]]


def test_a_picture_lacks_what_answers_the_pointer(results):
    spec = figures.still(training.curves(results, "loss"), 400)
    assert len(spec["layer"]) == 2
    assert [one["name"] for one in spec["params"]] == ["shown"]
    assert spec["width"] == 400


def test_a_chart_of_fixed_width_keeps_it():
    chart = Chart(charts.confusion(["a", "b"]), [])
    assert figures.still(chart, 999)["width"] == 2 * charts.WIDE_CELL


def test_confusion_writes_every_count_in_its_cell(results):
    drawn = svg(figures.confusion(results))
    for count in np.unique(results.confusion):
        assert drawn.count(f">{count}</text>") == (results.confusion == count).sum()


def test_every_class_is_named_though_there_are_many():
    reports.make(classes=tuple(f"class {number}" for number in range(60)), n=180)
    drawn = svg(figures.confusion(reports.results()))
    assert all(drawn.count(f">class {number}</text>") == 2 for number in range(60))


def test_samples_are_training_images_in_step_with_their_labels():
    reports.make()
    (axes,) = figures.samples(reports.results()).axes
    texts = [text.get_text() for text in axes.texts]
    rows = [round(float(drawn.get_array()[0, 0]) * 255) for drawn in axes.images]
    assert rows == [30, 31, 32, 33, 34, 35]  # the first 30 are for the test
    assert texts[0::2] == ["cat", "dog", "emu"] * 2
    assert texts[1::2] == [f"{row:03}" for row in rows]


def test_the_matrix_is_of_the_first_training_image():
    reports.make()
    picture, axes = figures.matrix(reports.results()).axes
    assert picture.get_title(loc="left") == "cat (030)"
    assert {text.get_text() for text in axes.texts} == {"30"}


def test_mistakes_are_the_most_confident_first():
    reports.make(wrong=7)
    (axes,) = figures.mistakes(reports.results()).axes
    texts = [text.get_text() for text in axes.texts]
    assert [round(float(drawn.get_array()[0, 0]) * 255) for drawn in axes.images] == [6, 5, 4]
    assert texts[:3] == ["true cat", "predicted dog", "66.2% · 006"]


def test_a_figure_of_ones_own_is_one_entry(results, monkeypatch, tmp_path):
    def reliability(results):
        return figures.still(calibration.calibration(results).charts["calibration"], 400, "Own")

    monkeypatch.setattr(figures, "FIGURES", {"own": reliability})
    figures.write(results, tmp_path)
    assert cv2.imread(str(tmp_path / "own.png")) is not None


@pytest.mark.parametrize(("height", "names"), [(70, []), (20, ["matrix.png"])])
def test_photographs_have_no_matrix_as_the_page_has_none(monkeypatch, tmp_path, height, names):
    monkeypatch.setattr(figures, "FIGURES", {"matrix": figures.matrix})
    reports.make(shape=(height, 20, 1))
    folder = tmp_path / "figures"
    folder.mkdir()
    figures.write(reports.results(), folder)
    assert [path.name for path in folder.iterdir()] == names
