"""Confusion: true against predicted classes, and the images behind each cell."""

import numpy as np

from pipeline.report import charts, html
from pipeline.report.charts import Chart
from pipeline.report.results import Results
from pipeline.report.sections.section import Section

LABELS_WIDTH = 130
"""Width of the class names beside a matrix, in pixels."""
LEAST_CELL = 26
"""Width of a matrix's cell with a count, in pixels, below which the matrix scrolls."""


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
        {"confusion": matrix(results)},
        {
            "support": counts.sum(axis=1).tolist(),
            "cells": {f"{i},{j}": int(counts[i, j]) for i, j in np.argwhere(counts).tolist()},
            "chosen": [positions[name] for name in first],
            "images": results.gallery.behind_cells(results.params.images_per_cell),
        },
    )


def matrix(results: Results) -> Chart:
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
