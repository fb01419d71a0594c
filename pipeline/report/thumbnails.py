"""Images of a dataset as small ``data:`` addresses, for pages, within a budget of bytes."""

import base64
import io
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.subsets.images import Dataset

EXACT_SIDE = 64
"""Images of at most so many pixels a side are shown as they are, as PNG; others reduced to
``REDUCED_SIDE``, as JPEG."""
REDUCED_SIDE = 96
QUALITY = 90
AT_ONCE = 64
"""Images read at once: of 512 by 512 RGB pixels they are 200 MB."""

Address = str
"""``data:image/...;base64,...``"""


def read(dataset: Dataset, rows: Iterable[int]) -> dict[int, Address]:
    """The images of some rows of the shards, by row."""
    wanted = np.unique(np.fromiter(rows, np.int64))
    found: dict[int, Address] = {}
    for start in range(0, len(wanted), AT_ONCE):
        chunk = wanted[start : start + AT_ONCE]
        for row, image in zip(chunk.tolist(), dataset.take(chunk), strict=True):
            found[row] = address(image)
    return found


def address(image: NDArray[np.float32]) -> Address:
    """An image in [0, 1], shape (h, w, c), in 8 bits."""
    pixels = np.rint(image * np.float32(255)).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if max(picture.size) <= EXACT_SIDE:
        return png(picture)
    picture.thumbnail((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.BOX)
    return _encoded(picture, "jpeg", quality=QUALITY)


def png(picture: Image.Image) -> Address:
    """A picture as PNG."""
    return _encoded(picture, "png", optimize=True)


def shown_shape(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Height and width of a dataset's images as ``address`` gives them."""
    height, width, _ = shape
    if max(height, width) <= EXACT_SIDE:
        return height, width
    scale = REDUCED_SIDE / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def within(rows: Iterable[int], images: Mapping[int, Address], budget: int) -> list[int]:
    """The first of ``rows`` whose addresses are together no longer than ``budget`` characters.

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
