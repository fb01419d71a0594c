"""Sections of a run's page: the variables, the charts and the scripts' values of each.

The text of a section is ``templates/sections/NAME.html.j2``.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline import runs
from pipeline.core import files
from pipeline.evaluate.calibration import BINS, bins
from pipeline.execution import fingerprint
from pipeline.report import charts, first_layer, gallery, html, thumbnails
from pipeline.report.charts import Chart
from pipeline.report.image_plots import MATRIX_SIDE, middle
from pipeline.report.results import Results
from pipeline.shards import index as shard_index
from pipeline.subsets.images import Dataset
from pipeline.subsets.split import SUBSETS

LABELS_WIDTH = 130
"""Width of the class names beside a matrix, in pixels."""
LEAST_CELL = 26
"""Width of a matrix's cell with a count, in pixels, below which the matrix scrolls."""
MATRICES = 20
"""Number of training images that are shown as matrices, the first ones."""
ACTIVATION = "relu"
"""The network's, where ``model`` does not say."""
SUFFIXES = (".j2", ".css", ".js", ".json")
"""Suffixes of the files in ``templates/``."""


@dataclass(frozen=True)
class Section:
    """Values for a section's template and for the page's scripts."""

    content: Mapping[str, Any] = field(default_factory=dict)
    """The template's variables."""
    charts: Mapping[str, Chart] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    """Values for scripts, by name."""


def training(results: Results) -> Section:
    """Return the curves and the values of all epochs."""
    both = {measure: curves(results, measure) for measure in ("loss", "accuracy")}
    return Section({"tracked": tracked(results), "history": results.history}, both)


def start(results: Results) -> Section | None:
    """Return what the network took from weights; None if all were fresh."""
    if results.start is None:
        return None
    taken = results.start.transferred
    return Section(
        {
            "path": taken.path,
            "by": taken.by,
            "taken": taken.taken,
            "fresh": taken.fresh,
            "left": taken.left,
            "phases": results.start.phases,
        }
    )


def confusion(results: Results) -> Section:
    """Return the confusion matrix, and images behind its cells."""
    counts = results.confusion
    classes = results.classes
    positions = {name: label for label, name in enumerate(classes)}
    first = results.confusions[0][:2] if results.confusions else (classes[0], classes[0])
    cell = LEAST_CELL if len(results.shown) <= charts.COUNTED_CLASSES else charts.SMALL_CELL
    return Section(
        {
            "confusions": results.confusions,
            "positions": positions,
            "matrix_width": len(results.shown) * cell + LABELS_WIDTH,
        },
        {"confusion": confusion_matrix(results)},
        {
            "classes": list(map(html.key, classes)),
            "support": counts.sum(axis=1).tolist(),
            "cells": {f"{i},{j}": int(counts[i, j]) for i, j in np.argwhere(counts).tolist()},
            "chosen": [positions[name] for name in first],
            "images": results.gallery.behind_cells(results.params.images_per_cell),
        },
    )


def classes(results: Results) -> Section:
    """Return precision, recall and F1 of each class."""
    return Section(charts={"scores": class_scores(results)})


def calibration(results: Results) -> Section:
    """Return the reliability diagram and the histogram of confidence."""
    count = results.effective["evaluate"].get("calibration_bins", BINS)
    filled = bins(results.gallery.predictions, count)
    rows = [one._asdict() for one in filled]
    drawn = {
        "calibration": Chart(charts.calibration(), rows),
        "confidences": Chart(charts.confidences(), rows),
    }
    return Section({"bins": filled}, drawn)


def mistakes(results: Results) -> Section:
    """Return the most confident mistakes and the most uncertain images."""
    shown, params = results.gallery, results.params
    wrong = gallery.mistakes(shown.predictions)[: params.mistakes]
    unsure = gallery.uncertain(shown.predictions)[: params.uncertain]
    return Section(
        {
            "mistakes": shown.show(wrong, gallery.TOP_BUDGET),
            "uncertain": shown.show(unsure, gallery.TOP_BUDGET),
        }
    )


def data(results: Results) -> Section:
    """Return the data card, and training images with their labels."""
    subsets = results.card.subsets
    used = [subset for subset in SUBSETS if subsets[subset].n]
    rows = [
        {
            "class": html.key(results.classes[label]),
            "label": label,
            "subset": subset,
            "n": subsets[subset].classes[results.classes[label]],
        }
        for label in results.shown
        for subset in used
    ]
    return Section(
        {"samples": thumbnails.samples(results.dataset, results.samples())},
        {"counts": Chart(charts.counts(len(results.shown), used), rows)},
    )


def matrix(results: Results) -> Section:
    """Return training images as integers."""
    integers = matrices(results.dataset)
    return Section(
        {
            "divisor": results.dataset.index.divisor,
            "matrices": len(integers["images"]),
            "cropped": max(results.dataset.index.shape[:2]) > MATRIX_SIDE,
        },
        data={"matrix": integers},
    )


def filters(results: Results) -> Section | None:
    """Return the filters of the first layer and their responses; None if it has none."""
    layer = results.layer
    if layer is None:
        return None
    seen = first_layer.seen(layer, results.dataset)
    return Section(
        {
            "filters": first_layer.pictures(layer),
            "filter_count": layer.kernel.shape[-1],
            "activation": results.effective["model"].get("activation", ACTIVATION),
            "responses": len(seen),
        },
        data={"filters": seen},
    )


def parameters(results: Results) -> Section:
    """Return all parameters of the run, and those that it sets itself."""
    sections = {
        name: results.effective[name] for name in runs.SECTIONS if name in results.effective
    }
    named = {name: results.effective[name] for name in runs.NAMED if name in results.effective}
    return Section({"effective": {"run": named, **sections}, "own": results.own})


def reproduce(results: Results) -> Section:
    """Return the hashes and versions of what the page is made from."""
    inputs = {path.as_posix(): files.sha256(path) for path in results.inputs}
    code = fingerprint.code(
        path for path in html.FOLDER.rglob("*") if path.suffix in SUFFIXES and path.is_file()
    )
    return Section(
        {
            "inputs": inputs,
            "model_sha256": next(inputs[name] for name in inputs if name.endswith(".h5")),
            "code": code,
            "code_sha256": fingerprint.combined(code),
            "versions": fingerprint.versions(results.uses),
        }
    )


SECTIONS: Mapping[str, tuple[str, Callable[[Results], Section | None]]] = {
    "start": ("Start", start),
    "training": ("Training", training),
    "confusion": ("Confusion matrix", confusion),
    "classes": ("Classes", classes),
    "calibration": ("Calibration", calibration),
    "mistakes": ("Mistakes", mistakes),
    "data-card": ("Data", data),
    "matrix": ("Matrix", matrix),
    "filters": ("Filters", filters),
    "parameters": ("Parameters", parameters),
    "reproduce": ("Reproduce", reproduce),
}
"""Titles in the table of contents, and functions, by the name of the template."""


def page(results: Results) -> str:
    """Return the page of a run."""
    made = {name: make(results) for name, (_, make) in SECTIONS.items()}
    present = {name: section for name, section in made.items() if section is not None}
    drawn = {name: chart for section in present.values() for name, chart in section.charts.items()}
    index = results.dataset.index
    shared = {
        "run": results.run,
        "card": results.card,
        "left_out": results.left_out,
        "converted": results.converted,
        "classes": results.classes,
        "subsets": SUBSETS,
        "evaluation": results.evaluation,
        "shown_classes": results.shown,
        "thumbnail": thumbnails.shown_shape(index.shape),
        "reduced": thumbnails.shown_shape(index.shape) != index.shape[:2],
    }
    return html.page(
        html.FOLDER / "report.html.j2",
        {
            "charts": {name: chart.spec for name, chart in drawn.items()},
            "rows": {name: chart.rows for name, chart in drawn.items()},
            **{key: value for section in present.values() for key, value in section.data.items()},
        },
        sections={
            name: (
                SECTIONS[name][0],
                html.fill(html.FOLDER / f"sections/{name}.html.j2", **shared, **section.content),
            )
            for name, section in present.items()
        },
        **shared,
    )


def tracked(results: Results) -> list[str]:
    """Return the subsets that the curves have."""
    return [subset for subset in SUBSETS if f"{subset}_loss" in results.history]


def curves(results: Results, measure: str) -> Chart:
    """Return the curves of ``loss`` or ``accuracy``."""
    subsets, history = tracked(results), results.history
    rows = [
        {"epoch": int(epoch)}
        | {subset: float(history[f"{subset}_{measure}"][row]) for subset in subsets}
        for row, epoch in enumerate(history["epoch"])
    ]
    return Chart(charts.curves(measure, subsets, len(rows)), rows)


def confusion_matrix(results: Results) -> Chart:
    """Return the confusion matrix; where there are many cells, only those that hold an image."""
    counts, names, shown = results.confusion, results.classes, results.shown
    supports, predicted = counts.sum(axis=1), counts.sum(axis=0)
    rows = [
        {
            "actual": html.key(names[i]),
            "predicted": html.key(names[j]),
            "count": int(counts[i, j]),
            "recall": float(counts[i, j] / max(supports[i], 1)),
            "precision": float(counts[i, j] / max(predicted[j], 1)),
        }
        for i in shown
        for j in shown
        if counts[i, j] or len(shown) <= charts.COUNTED_CLASSES
    ]
    return Chart(charts.confusion([html.key(names[label]) for label in shown]), rows)


def class_scores(results: Results) -> Chart:
    """Return precision, recall and F1 of the classes that charts show."""
    names = [results.classes[label] for label in results.shown]
    alphabet = {name: place for place, name in enumerate(sorted(names))}
    rows = [
        {"class": html.key(name), "label": label, "alphabet": alphabet[name]}
        | results.evaluation.classes[name].model_dump()
        for label, name in zip(results.shown, names, strict=True)
    ]
    return Chart(charts.scores(names), rows)


def matrices(dataset: Dataset) -> dict[str, Any]:
    """Return the first training images as integers, base64 in little-endian order, row by row."""
    rows = dataset.split.rows("train")[:MATRICES]
    index = dataset.index
    tall, wide = middle(index.shape[0]), middle(index.shape[1])
    images = dataset.take(rows)
    values = shard_index.integers(images, index.divisor)[:, tall, wide]
    return {
        "rows": values.shape[1],
        "columns": values.shape[2],
        "channels": index.shape[2],
        "top": tall.start,
        "left": wide.start,
        "bytes": values.dtype.itemsize,
        "maximum": index.divisor,
        "images": [
            thumbnails.labelled(dataset, int(row), image)
            | {"values": base64.b64encode(one.astype(one.dtype.newbyteorder("<"))).decode()}
            for row, image, one in zip(rows, images, values, strict=True)
        ],
    }
