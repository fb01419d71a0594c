"""Figures: the pictures of a run beside its page, as PNG.

Charts are the page's own specifications, rendered by vl-convert. Pictures of images are
Matplotlib's. Neither a display, nor a user's settings, nor installed fonts change a byte.
"""

import functools
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import vl_convert
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from matplotlib.figure import Figure

from pipeline.core import files
from pipeline.report import charts, gallery, html, image_plots, plots
from pipeline.report.charts import Chart, Spec
from pipeline.report.image_plots import Mistake, Sample
from pipeline.report.results import Results
from pipeline.report.sections.measured import classes as class_scores
from pipeline.report.sections.measured import confusion as matrices
from pipeline.report.sections.measured import training
from pipeline.report.sections.pictured.matrix import can_be_read
from pipeline.shards import index

CSS_DPI = 96
FAMILY = "Pipeline Sans"
"""DejaVu Sans as it comes with Matplotlib, by a name that no installed font has."""
NAME_IDS = (1, 4, 6, 16)
"""Entries of a font's ``name`` table that hold its name. Source: OpenType, "name"."""
CURVES_WIDTH, BARS_WIDTH = 440, 700
"""In CSS pixels."""
LEGEND = {
    "orient": "bottom",
    "title": None,
    "labelLimit": 0,
    "labelExpr": "{train: 'train (mean over the epoch)', test: 'test (drawn, not used)', f1: 'F1'}"
    "[datum.label] || datum.label",
}


def curves(results: Results) -> Spec:
    """Return loss and accuracy by epoch, side by side."""
    both = [
        still(training.curves(results, measure), CURVES_WIDTH, measure.capitalize())
        for measure in ("loss", "accuracy")
    ]
    shared = {key: both[0][key] for key in ("$schema", "background", "config", "padding", "params")}
    parts = [{key: spec[key] for key in spec.keys() - shared.keys()} for spec in both]
    return {**shared, "hconcat": parts}


def confusion(results: Results) -> Spec:
    """Return the confusion matrix: counts, coloured by their share of the true class."""
    chart = matrices.matrix(results)
    n = len(results.shown)
    cell = 1.3 * charts.CELL if n <= charts.COUNTED_CLASSES else charts.SMALL_CELL
    return still(chart, cell * n, "Test images; a colour is a share of the true class")


def classes(results: Results) -> Spec:
    """Return precision, recall and F1 of each class as bars."""
    return still(class_scores.scores(results), BARS_WIDTH)


def samples(results: Results) -> Figure:
    """Return the first training images of each class."""
    rows = results.samples()
    dataset = results.dataset
    images = iter(dataset.take(np.concatenate([mine for _, mine in rows])))
    return image_plots.samples(
        [
            [Sample(next(images), dataset.split.ids[row].as_py(), name) for row in mine]
            for name, mine in rows
        ]
    )


def matrix(results: Results) -> Figure | None:
    """Return the first training image beside its integers; None of photographs, as on the page."""
    dataset = results.dataset
    if not can_be_read(dataset):
        return None
    row = dataset.split.rows("train")[:1]
    image = dataset.take(row)
    name = results.classes[dataset.labels()[row[0]]]
    title = f"{plots.text(name)} ({plots.text(dataset.split.ids[row[0]].as_py())})"
    return image_plots.matrix(image[0], index.integers(image, dataset.index.divisor)[0], title)


def mistakes(results: Results) -> Figure:
    """Return the mistakes of which the model was most certain, the most certain first."""
    predictions = results.gallery.predictions
    wrong = gallery.mistakes(predictions)[: results.params.mistakes]
    images = results.dataset.take(results.gallery.rows[wrong])
    probabilities = predictions.confidence[wrong]
    return image_plots.mistakes(
        [
            Mistake(
                image,
                predictions.ids[i],
                results.classes[predictions.labels[i]],
                results.classes[predictions.predicted[i]],
                float(probability),
            )
            for image, i, probability in zip(images, wrong, probabilities, strict=True)
        ]
    )


FIGURES: Mapping[str, Callable[[Results], Figure | Spec | None]] = {
    "curves": curves,
    "confusion": confusion,
    "classes": classes,
    "samples": samples,
    "matrix": matrix,
    "mistakes": mistakes,
}
"""Figures by the name of their file; None where the data have nothing to show in one."""


def write(results: Results, folder: Path) -> None:
    """Write each figure as ``NAME.png`` into ``folder``, one at a time."""
    for name, draw in FIGURES.items():
        if (figure := draw(results)) is not None:
            save(figure, folder / f"{name}.png", results.params.dpi)


def save(figure: Figure | Spec, path: Path, dpi: int) -> None:
    """Write a figure as PNG, ``dpi`` pixels an inch."""
    if isinstance(figure, Figure):
        plots.save(figure, path, dpi)
    else:
        files.write_bytes(path, png(figure, dpi))


def still(chart: Chart, width: float, title: str = "") -> Spec:
    """Return a chart of the page as a picture of its own.

    It holds its rows. It has legends where the page has controls, and lacks the layer and the
    parameters that only answer the pointer.

    Parameters
    ----------
    width : float
        In CSS pixels, for a chart that is as wide as the page.
    """
    spec = chart.spec
    whole = {
        **_with_legend(spec),
        "params": [one for one in spec.get("params", []) if "select" not in one],
        "data": {"values": chart.rows},
        "width": width if spec["width"] == "container" else spec["width"],
        "title": title,
        "background": "white",
        "padding": 12,
        "config": {**spec["config"], "font": FAMILY, "title": {"fontWeight": "normal"}},
    }
    if "layer" in spec:
        drawn = [one for one in spec["layer"] if one.get("name") != charts.READINGS]
        whole["layer"] = [_with_legend(one) for one in drawn]
    shown: Spec = html.mapped(whole, _in_glyphs)
    return shown


def png(spec: Spec, dpi: int) -> bytes:
    """Return a Vega-Lite specification as PNG, ``dpi`` pixels an inch of 96 CSS pixels."""
    _register_font()
    svg = re.sub(
        r'(?<==")var\((--[\w-]+)\)(?=")',
        lambda match: _palette()[match[1]],
        vl_convert.vegalite_to_svg(spec),
    )
    return vl_convert.svg_to_png(svg, scale=dpi / CSS_DPI)


def _with_legend(spec: Spec) -> Spec:
    """Return a chart, or a layer of it, with a legend if a field gives its colours."""
    colour = spec.get("encoding", {}).get("color", {})
    if "field" not in colour:
        return spec
    return {**spec, "encoding": {**spec["encoding"], "color": {**colour, "legend": LEGEND}}}


def _in_glyphs(value: Any) -> Any:
    """Return text as the font can show it, and anything else as it is."""
    return plots.text(value, sys.maxsize) if isinstance(value, str) else value


@functools.cache
def _palette() -> dict[str, str]:
    """Return the page's colours in light mode, by the names of its CSS variables."""
    css = (html.FOLDER / "page.css").read_text(encoding="utf-8")
    return dict(re.findall(r"(--[\w-]+): (#\w+);", css.partition("}")[0]))


@functools.cache
def _register_font() -> "tempfile.TemporaryDirectory[str]":
    """Give vl-convert the font; return the folder that holds it, which must last.

    An installed DejaVu Sans, of whatever version, would be preferred to one by the same name.
    """
    folder = tempfile.TemporaryDirectory()
    font = TTFont(plots.FONT)
    for entry in font["name"].names:
        if entry.nameID in NAME_IDS:
            entry.string = FAMILY
    font.save(Path(folder.name, "font.ttf"))
    vl_convert.register_font_directory(folder.name)
    return folder
