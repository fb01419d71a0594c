"""The contents of a run's page: its charts with their rows, and what its scripts read."""

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate import calibration
from pipeline.evaluate.calibration import Bin
from pipeline.report import charts, first_layer, thumbnails
from pipeline.report import gallery as galleries
from pipeline.report.gallery import Gallery
from pipeline.report.image_plots import MATRIX_SIDE, middle
from pipeline.report.plots import NAMED_CLASSES
from pipeline.shards import index as shard_index
from pipeline.subsets.images import Dataset
from pipeline.subsets.split import SUBSETS

if TYPE_CHECKING:
    from pipeline.report.params import ReportParams

Rows = list[dict[str, Any]]

LABELS_WIDTH = 130
"""Of the class names beside a matrix, in pixels."""
MATRICES = 20
"""Training images that are shown as matrices, the first ones."""
RESPONSES = 10
"""Training images that are shown to the first layer, the first of each class."""
ACTIVATION = "relu"
"""The network's, where ``model`` does not say."""
SAMPLE_BUDGET = 600_000
"""Characters that the pictures of the samples may take."""
RESPONSE_BUDGET = 500_000
"""Likewise those of the first layer's responses."""


def of_run(
    effective: Mapping[str, Any],
    params: "ReportParams",
    gallery: Gallery,
    layer: first_layer.FirstLayer | None,
    common: Mapping[str, Any],
    history: Mapping[str, NDArray[np.float64]],
) -> dict[str, Any]:
    """What the page's template names and its scripts read (``data``), charts and images."""
    dataset, predictions = gallery.dataset, gallery.predictions
    index, counts = dataset.index, predictions.confusion()
    tracked = [subset for subset in SUBSETS if f"{subset}_loss" in history]
    count = effective["evaluate"].get("calibration_bins", calibration.BINS)
    bins = calibration.bins(predictions, count)
    parts = [
        curves(history, tracked),
        measures(common["card"], common["evaluation"]["classes"], counts, bins),
    ]
    seen = responses(dataset, layer) if layer else []
    integers = matrices(dataset)
    positions = {name: label for label, name in enumerate(index.classes)}
    first = common["confusions"][0][:2] if common["confusions"] else (index.classes[0],) * 2
    wrong, unsure = galleries.mistakes(predictions), galleries.uncertain(predictions)
    return {
        "tracked": tracked,
        "bins": bins,
        "positions": positions,
        "shown_classes": shown_classes(counts),
        "matrix_width": matrix_width(len(index.classes)),
        "mistakes": gallery.show(wrong[: params.mistakes], galleries.TOP_BUDGET),
        "uncertain": gallery.show(unsure[: params.uncertain], galleries.TOP_BUDGET),
        "samples": samples(dataset, params.samples_per_class),
        "thumbnail": thumbnails.shown_shape(index.shape),
        "reduced": thumbnails.shown_shape(index.shape) != index.shape[:2],
        "divisor": index.divisor,
        "matrices": len(integers["images"]),
        "cropped": max(index.shape[:2]) > MATRIX_SIDE,
        "filters": first_layer.pictures(layer) if layer else [],
        "filter_count": layer.kernel.shape[-1] if layer else 0,
        "activation": effective["model"].get("activation", ACTIVATION),
        "responses": len(seen),
        "data": {
            "charts": {name: spec for part in parts for name, spec in part["charts"].items()},
            "rows": {name: rows for part in parts for name, rows in part["rows"].items()},
            "classes": index.classes,
            "support": counts.sum(axis=1).tolist(),
            "cells": {f"{i},{j}": int(counts[i, j]) for i, j in np.argwhere(counts).tolist()},
            "chosen": [positions[name] for name in first],
            "images": gallery.behind_cells(params.images_per_cell),
            "matrix": integers,
            "filters": seen,
        },
    }


def shown_classes(counts: NDArray[np.int64]) -> list[int]:
    """The classes that charts show: of too many those with the most mistakes, in their order."""
    wrong = counts - np.diag(np.diag(counts))
    mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
    return sorted(np.argsort(-mistakes, kind="stable")[:NAMED_CLASSES].tolist())


def curves(history: Mapping[str, NDArray[np.float64]], tracked: Sequence[str]) -> dict[str, Any]:
    """``charts`` and ``rows`` of loss and accuracy."""
    epochs = len(history["epoch"])
    return {
        "charts": {
            measure: charts.curves(measure, tracked, epochs) for measure in ("loss", "accuracy")
        },
        "rows": {
            measure: [
                {"epoch": int(history["epoch"][row])}
                | {subset: float(history[f"{subset}_{measure}"][row]) for subset in tracked}
                for row in range(epochs)
            ]
            for measure in ("loss", "accuracy")
        },
    }


def measures(
    card: Mapping[str, Any],
    per_class: Mapping[str, Mapping[str, Any]],
    counts: NDArray[np.int64],
    bins: Sequence[Bin],
) -> dict[str, Any]:
    """``charts`` and ``rows`` of the confusion matrix, the classes and the calibration."""
    classes = card["classes"]
    shown = shown_classes(counts)
    names = [classes[label] for label in shown]
    used = [subset for subset in SUBSETS if card["subsets"][subset]["n"]]
    alphabet = {name: place for place, name in enumerate(sorted(names))}
    return {
        "charts": {
            "confusion": charts.confusion(names),
            "scores": charts.scores(names),
            "calibration": charts.calibration(),
            "confidences": charts.confidences(),
            "counts": charts.counts(len(names), used),
        },
        "rows": {
            "confusion": _cells(classes, counts, shown),
            "scores": [
                {"class": classes[label], "label": label, "alphabet": alphabet[classes[label]]}
                | dict(per_class[classes[label]])
                for label in shown
            ],
            "calibration": [one._asdict() for one in bins],
            "counts": [
                {
                    "class": classes[label],
                    "label": label,
                    "subset": subset,
                    "n": card["subsets"][subset]["classes"][classes[label]],
                }
                for label in shown
                for subset in used
            ],
        },
    }


def matrix_width(classes: int) -> int:
    """Below how many pixels a confusion matrix scrolls."""
    cell = 26 if classes <= charts.COUNTED_CLASSES else charts.SMALL_CELL
    return min(classes, NAMED_CLASSES) * cell + LABELS_WIDTH


def samples(dataset: Dataset, per_class: int) -> list[tuple[str, Rows]]:
    """For each class its name and its first training images: ``id`` and ``src``."""
    train = dataset.split.rows("train")
    labels = dataset.labels()[train]
    mine = [train[labels == label][:per_class] for label in range(len(dataset.index.classes))]
    mine = mine[:NAMED_CLASSES]
    # One image of each class, then another one of each, as far as the budget goes.
    order = [int(rows[n]) for n in range(per_class) for rows in mine if n < len(rows)]
    images = thumbnails.read(dataset, order)
    kept = set(thumbnails.within(order, images, SAMPLE_BUDGET))
    return [
        (
            dataset.index.classes[label],
            [
                {"id": dataset.split.ids[row].as_py(), "src": images[row]}
                for row in rows.tolist()
                if row in kept
            ],
        )
        for label, rows in enumerate(mine)
    ]


def matrices(dataset: Dataset) -> dict[str, Any]:
    """The first training images as integers, base64 in little-endian order, row by row."""
    rows = dataset.split.rows("train")[:MATRICES]
    index = dataset.index
    tall, wide = middle(index.shape[0]), middle(index.shape[1])
    images = dataset.take(rows)
    whole = shard_index.integers(images, index.divisor)
    values = whole[:, tall, wide]
    return {
        "rows": values.shape[1],
        "columns": values.shape[2],
        "channels": index.shape[2],
        "top": tall.start,
        "left": wide.start,
        "bytes": values.dtype.itemsize,
        "maximum": index.divisor,
        "images": [
            _known(dataset, int(row), image)
            | {"values": base64.b64encode(one.astype(one.dtype.newbyteorder("<"))).decode()}
            for row, image, one in zip(rows, images, values, strict=True)
        ],
    }


def responses(dataset: Dataset, layer: first_layer.FirstLayer) -> Rows:
    """What the first layer makes of training images, the first of each class."""
    train = dataset.split.rows("train")
    _, first = np.unique(dataset.labels()[train], return_index=True)
    rows = train[first][:RESPONSES]
    found: Rows = []
    left = RESPONSE_BUDGET
    for row, image in zip(rows, dataset.take(rows), strict=True):
        maps = first_layer.responses(layer, image)
        left -= sum(map(len, maps))
        if left < 0 and found:
            break
        found.append(_known(dataset, int(row), image) | {"responses": maps})
    return found


def _known(dataset: Dataset, row: int, image: NDArray[np.float32]) -> dict[str, Any]:
    return {
        "id": dataset.split.ids[row].as_py(),
        "label": int(dataset.labels()[row]),
        "src": thumbnails.address(image),
    }


def _cells(classes: Sequence[str], counts: NDArray[np.int64], shown: Sequence[int]) -> Rows:
    """The matrix's cells; where there are many, those that hold an image."""
    supports, predicted = counts.sum(axis=1), counts.sum(axis=0)
    return [
        {
            "actual": classes[i],
            "predicted": classes[j],
            "count": int(counts[i, j]),
            "recall": float(counts[i, j] / max(supports[i], 1)),
            "precision": float(counts[i, j] / max(predicted[j], 1)),
        }
        for i in shown
        for j in shown
        if counts[i, j] or len(shown) <= charts.COUNTED_CLASSES
    ]
