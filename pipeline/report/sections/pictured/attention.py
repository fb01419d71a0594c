"""Attention: what the network looks at, of the images that ``evaluate.occlusion`` asked for."""

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.occlusion import GRID, SHARE
from pipeline.report import gallery, thumbnails
from pipeline.report.first_layer import BLUE, ORANGE
from pipeline.report.results import Results
from pipeline.report.sections.section import Section

FAINT = 0.02
"""Change of probability below which a map stays pale."""
STRONGEST = 0.8
"""Share of the colour where a map is strongest; the rest is the image in grey."""


def attention(results: Results) -> Section | None:
    """Return images beside maps of what their predictions depend on; None if there are none."""
    if results.occlusion is None:
        return None
    maps, shown = results.occlusion.maps, results.gallery
    places = {one: at for at, one in enumerate(shown.predictions.ids)}
    positions = [places[one] for one in maps if one in places]  # in their order
    items = shown.show(positions, gallery.TOP_BUDGET)
    images = results.dataset.take(shown.rows[positions[: len(items)]])
    for item, image in zip(items, images, strict=True):
        values = np.array(maps[item["id"]], np.float32)
        item["map"] = thumbnails.address(overlaid(image, values))
        item["drop"] = float(values.max())
    right = [item["label"] == item["predicted"] for item in items]
    return Section(
        {
            "wrongly": [item for item, hit in zip(items, right, strict=True) if not hit],
            "rightly": [item for item, hit in zip(items, right, strict=True) if hit],
            "share": SHARE,
        }
    )


def overlaid(image: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image in grey, orange where a map is above 0 and blue where it is below.

    Parameters
    ----------
    image : ndarray of float32
        In [0, 1], shape (h, w, c).
    values : ndarray of float32
        Shape (GRID, GRID).

    Returns
    -------
    ndarray of float32
        In [0, 1], shape (h, w, 3).
    """
    height, width = image.shape[:2]
    spread = _along(_along(values, height).T, width).T
    strength = STRONGEST * np.abs(spread) / max(float(np.abs(values).max()), FAINT)
    colour = np.where(spread[..., None] > 0, np.array(ORANGE), np.array(BLUE)) / 255
    grey = image.mean(axis=-1, keepdims=True)
    mixed: NDArray[np.float32] = grey + strength[..., None] * (colour - grey)
    return mixed.astype(np.float32)


def _along(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return a map with a row for each pixel of a side, from one for each place of the cover."""
    length = max(1, side // SHARE)
    centres = (length - 1) / 2 + np.linspace(0, side - length, GRID)
    columns = [np.interp(np.arange(side), centres, column) for column in values.T]
    return np.stack(columns, axis=1)
