"""Occlusion: how a prediction changes where a part of the image is covered.

After Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014. The maps of
some test images are kept in the metadata of the predictions' file, whose columns stay as they are.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from pipeline.core import console, errors, files
from pipeline.core.params import Section
from pipeline.evaluate.predictions import Predictions
from pipeline.subsets.images import Images

KEY = "occlusion"
"""Of the metadata."""
GRID = 11
"""Rows and columns of a map: places of the cover, evenly over the image."""
SHARE = 4
"""The image's height and width, divided by the cover's."""
DECIMALS = 4

Drop = Annotated[float, Field(ge=-1, le=1)]
Row = Annotated[tuple[Drop, ...], Field(min_length=GRID, max_length=GRID)]
Map = Annotated[tuple[Row, ...], Field(min_length=GRID, max_length=GRID)]


class Occlusion(Section):
    """Maps of some test images, by their ids."""

    maps: dict[str, Map]
    """The probability of the predicted class, less that with the cover at each place."""

    @classmethod
    def read(cls, path: Path) -> "Occlusion | None":
        """Read the maps beside predictions; None if none were asked for.

        Raises
        ------
        DataError
            If they are damaged.
        """
        with (
            errors.one_line(path, "evaluate again (dvc repro)"),
            files.open_regular(path) as content,
            pq.ParquetFile(content) as file,
        ):
            found = (file.schema_arrow.metadata or {}).get(KEY.encode())
            return None if found is None else cls.model_validate_json(found)


def of(
    predictions: Predictions,
    images: Images,
    limit: int,
    probabilities: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> dict[str, str]:
    """Return the maps of some images as metadata of a file; empty if ``limit`` is 0.

    Parameters
    ----------
    images : Images
        Those of the predictions.
    limit : int
        Number of mistakes, and of hits.
    probabilities : callable
        Returns those of images, float32[n, K] of float32[n, h, w, c].
    """
    if not limit:
        return {}
    positions = chosen(predictions, limit)
    maps: dict[str, Map] = {}
    with console.bar("occlusion", len(positions), "images") as bar:
        for pixels, _ in images.batches(positions, 1):
            image = np.divide(pixels[0], np.float32(images.divisor), dtype=np.float32)
            at = int(positions[len(maps)])
            maps[predictions.ids[at]] = drops(image, int(predictions.predicted[at]), probabilities)
            bar.update(1)
    return {KEY: Occlusion(maps=maps).model_dump_json()}


def chosen(predictions: Predictions, limit: int) -> NDArray[np.int64]:
    """Return the positions of the most confident mistakes and as many hits, ``limit`` of each.

    The hits are the most confident one of each class in turn.
    """
    order = np.argsort(-predictions.confidence, kind="stable")
    right = predictions.correct[order]
    hits, turns = order[right], np.empty(right.sum(), np.int64)
    for label in np.unique(predictions.labels):
        mine = predictions.labels[hits] == label
        turns[mine] = np.arange(mine.sum())
    in_turn = hits[np.argsort(turns, kind="stable")]
    return np.concatenate([order[~right][:limit], in_turn[:limit]])


def drops(
    image: NDArray[np.float32],
    label: int,
    probabilities: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> Map:
    """Return how much less probable a class is with the cover at each place.

    The cover has the image's mean colour, so that it removes what is there and adds little.

    Parameters
    ----------
    image : ndarray of float32
        In [0, 1], shape (h, w, c).
    label : int
        The class.
    probabilities : callable
        Returns those of images, float32[n, K] of float32[n, h, w, c].
    """
    whole = probabilities(image[None])[0, label]
    colour = image.mean(axis=(0, 1))
    rows = []
    for tall in _places(image.shape[0]):
        covered = np.repeat(image[None], GRID, axis=0)
        for number, wide in enumerate(_places(image.shape[1])):
            covered[number, tall, wide] = colour
        values = np.round(float(whole) - probabilities(covered)[:, label].astype(float), DECIMALS)
        rows.append(tuple(values.clip(-1, 1).tolist()))
    return tuple(rows)


def _places(side: int) -> Iterator[slice]:
    """Yield where the cover stands along a side of so many pixels."""
    length = max(1, side // SHARE)
    for start in np.rint(np.linspace(0, side - length, GRID)).astype(int).tolist():
        yield slice(start, start + length)
