"""Images of a dataset as small ``data:`` addresses, for pages, within a budget of characters."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.subsets.images import Dataset

EXACT_SIDE = 64
"""Images of at most so many pixels a side are exact, as PNG."""
REDUCED_SIDE = 96
"""Larger ones are reduced to so many pixels, as JPEG."""
QUALITY = 90
AT_ONCE = 64
"""Number of images read at once: of 512 by 512 RGB pixels they are 200 MB."""
SAMPLE_BUDGET = 600_000
"""Characters that the pictures of the samples may take."""

Address = str
"""``data:image/...;base64,...``"""


def read(dataset: Dataset, rows: Iterable[int]) -> dict[int, Address]:
    """Return the images of some rows of the shards, by row."""
    wanted = np.unique(np.fromiter(rows, np.int64))
    addresses: dict[int, Address] = {}
    for start in range(0, len(wanted), AT_ONCE):
        chunk = wanted[start : start + AT_ONCE]
        for row, image in zip(chunk.tolist(), dataset.take(chunk), strict=True):
            addresses[row] = address(image)
    return addresses


def samples(
    dataset: Dataset, classes: Sequence[tuple[str, NDArray[np.int64]]]
) -> list[tuple[str, list[dict[str, str]]]]:
    """Return images of each class, as far as their budget goes.

    Parameters
    ----------
    classes : sequence of pairs
        For each class its name and rows of the shards.

    Returns
    -------
    list of pairs
        For each class its name and its images: ``id`` and ``src``.
    """
    # One image of each class, then another one of each.
    rounds = zip_longest(*(rows.tolist() for _, rows in classes))
    order = [row for one in rounds for row in one if row is not None]
    images = read(dataset, order)
    kept = set(within(order, images, SAMPLE_BUDGET))
    return [
        (
            name,
            [
                {"id": dataset.split.ids[row].as_py(), "src": images[row]}
                for row in rows.tolist()
                if row in kept
            ],
        )
        for name, rows in classes
    ]


def labelled(dataset: Dataset, row: int, image: NDArray[np.float32]) -> dict[str, Any]:
    """Return an image of the shards with its ``id``, ``label`` and ``src``."""
    return {
        "id": dataset.split.ids[row].as_py(),
        "label": int(dataset.labels()[row]),
        "src": address(image),
    }


def address(image: NDArray[np.float32]) -> Address:
    """Return an image in [0, 1], shape (h, w, c), in 8 bits."""
    pixels = np.rint(image * np.float32(255)).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if max(picture.size) <= EXACT_SIDE:
        return png(picture)
    picture.thumbnail((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.BOX)
    return _encoded(picture, "jpeg", quality=QUALITY)


def png(picture: Image.Image) -> Address:
    """Return a picture as PNG."""
    return _encoded(picture, "png", optimize=True)


def shown_shape(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Return height and width, as ``address`` gives them, of images of a shape."""
    height, width, _ = shape
    if max(height, width) <= EXACT_SIDE:
        return height, width
    scale = REDUCED_SIDE / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def within(rows: Iterable[int], images: Mapping[int, Address], budget: int) -> list[int]:
    """Return the first of ``rows`` whose addresses take at most ``budget`` characters together.

    Examples
    --------
    >>> within([3, 5, 7], {3: "a" * 10, 5: "a" * 10, 7: "a"}, 20)
    [3, 5]
    """
    kept, left = [], budget
    for row in rows:
        left -= len(images[row])
        if left < 0:
            break
        kept.append(row)
    return kept


def _encoded(picture: Image.Image, kind: str, **options: object) -> Address:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}"
