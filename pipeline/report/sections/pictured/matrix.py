"""Matrix: training images as the integers that they are made of."""

import base64
from typing import Any

from pipeline.report import thumbnails
from pipeline.report.image_plots import MATRIX_SIDE, middle
from pipeline.report.results import Results
from pipeline.report.sections.section import Section
from pipeline.shards import index as shard_index
from pipeline.subsets.images import Dataset

MATRICES = 20
"""Number of training images that are shown as matrices, the first ones."""


def can_be_read(dataset: Dataset) -> bool:
    """Return whether images have few enough pixels to be read as numbers: no photographs.

    Others are the images that the page shows reduced.
    """
    return max(dataset.index.shape[:2]) <= thumbnails.EXACT_SIDE


def matrix(results: Results) -> Section | None:
    """Return training images as integers; None of photographs."""
    if not can_be_read(results.dataset):
        return None
    integers = matrices(results.dataset)
    return Section(
        {
            "divisor": results.dataset.index.divisor,
            "matrices": len(integers["images"]),
            "cropped": max(results.dataset.index.shape[:2]) > MATRIX_SIDE,
        },
        data={"matrix": integers},
    )


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
