"""Pictures of images: samples with their labels, mistakes, and one image as a matrix of numbers.

Each function returns a Matplotlib figure, under the pinned settings of ``plots``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.report.plots import GREY, INK, VERMILLION, pinned, text

GAP = 0.16
"""Gap between tiles, in inches."""
LINE = 0.135
"""Height of a caption's line, in inches."""
HEAD = 0.45
"""Room above a matrix and to its left, for the title and the numbers of its rows and columns, in
inches."""
TITLE_PAD = 18
"""Gap below a title without numbers, in points, so that it stands level with the others."""
MATRIX_SIDE = 32
"""Number of rows and columns of the middle of a larger image, which its matrix shows."""

Image = NDArray[np.float32]
"""In [0, 1], shape (h, w, c)."""


class Line(NamedTuple):
    """A line of a caption."""

    text: str
    colour: str = INK


class Tile(NamedTuple):
    """An image with a caption."""

    image: Image
    caption: tuple[Line, ...]


class Sample(NamedTuple):
    """A training image with its label."""

    image: Image
    id: str
    label: str


class Mistake(NamedTuple):
    """A test image with its true class, and the predicted one with its probability."""

    image: Image
    id: str
    label: str
    predicted: str
    probability: float


@pinned
def samples(classes: Sequence[Sequence[Sample]], columns: int = 10) -> Figure:
    """Return images with their labels and ids, a column for each class.

    Parameters
    ----------
    classes : sequence of sequences of Sample
        The images of each class.
    columns : int
        Classes side by side; more of them continue below.
    """
    columns = min(columns, len(classes))
    tiles: list[Tile | None] = []
    for start in range(0, len(classes), columns):
        block = classes[start : start + columns]
        for row in range(max(map(len, block))):
            line = [_labelled(those[row]) if row < len(those) else None for those in block]
            tiles += line + [None] * (columns - len(line))
    return _grid(tiles, columns, width=1.0)


@pinned
def mistakes(wrong: Sequence[Mistake], columns: int = 5) -> Figure:
    """Return images that the model got wrong, in the given order."""
    if not wrong:
        figure = Figure((7, 1.2))
        figure.text(0.5, 0.5, "No mistakes: every image is classified correctly.", ha="center")
        return figure
    tiles = [
        Tile(
            mistake.image,
            (
                Line(f"true {text(mistake.label, 16)}"),
                Line(f"predicted {text(mistake.predicted, 16)}", VERMILLION),
                Line(f"{mistake.probability:.1%} · {text(mistake.id, 16)}", GREY),
            ),
        )
        for mistake in wrong
    ]
    return _grid(tiles, min(columns, len(tiles)), width=1.6)


@pinned
def matrix(image: Image, values: NDArray[Any], title: str) -> Figure:
    """Return an image beside the integers that it is made of, channel by channel.

    Parameters
    ----------
    image : ndarray of float32
        In [0, 1], shape (h, w, c).
    values : ndarray of uint8 or uint16
        The same image's integers.
    title : str
        Its class and id.
    """
    height, width, channels = values.shape
    rows, columns = middle(height), middle(width)
    shown = values[rows, columns]
    maximum = np.iinfo(values.dtype).max
    cell = 0.05 + 0.05 * len(str(maximum))
    wide, high = cell * shown.shape[1], cell * shown.shape[0]
    scale = 0.5 if channels == 1 else 1  # of the picture; beside it one matrix or around it three
    right = 2 * HEAD + scale * wide
    lower = 2 * HEAD + high
    figure = Figure((right + wide + GAP, (HEAD if channels == 1 else lower) + high + GAP))
    picture = _axes(figure, HEAD, HEAD, scale * wide, scale * high)
    _draw(picture, image)
    picture.set_anchor("NW")
    picture.set_title(title, pad=TITLE_PAD)
    places = (right, HEAD), (HEAD, lower), (right, lower)
    names = ("grey",) if channels == 1 else ("red", "green", "blue")
    extent = columns.start - 0.5, columns.stop - 0.5, rows.stop - 0.5, rows.start - 0.5
    for channel, (place, name) in enumerate(zip(places, names, strict=False)):
        axes = _axes(figure, *place, wide, high)
        _numbers(axes, shown[..., channel], maximum, extent)
        axes.set_title(f"{name}, {values.dtype}, 0 to {maximum:,}")
    return figure


def middle(length: int) -> slice:
    """Return the middle of a side longer than ``MATRIX_SIDE``, or all of a shorter one."""
    start = max(0, length - MATRIX_SIDE) // 2
    return slice(start, min(length, start + MATRIX_SIDE))


def _labelled(sample: Sample) -> Tile:
    lines = Line(text(sample.label, 18)), Line(text(sample.id, 18), GREY)
    return Tile(sample.image, lines)


def _grid(tiles: Sequence[Tile | None], columns: int, width: float) -> Figure:
    """Return tiles in rows; ``width`` is an image's, in inches. One pair of axes keeps it fast."""
    first = next(tile for tile in tiles if tile is not None)
    height = width * first.image.shape[0] / first.image.shape[1]
    step = width + GAP, height + LINE * len(first.caption) + GAP
    size = columns * step[0], -(-len(tiles) // columns) * step[1]
    figure = Figure(size)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    for place, tile in enumerate(tiles):
        if tile is None:
            continue
        left = place % columns * step[0] + GAP / 2
        top = place // columns * step[1] + GAP / 2
        _draw(axes, tile.image, (left, left + width, top + height, top))
        for number, line in enumerate(tile.caption, 1):
            below = top + height + LINE * number
            axes.text(left, below, line.text, color=line.colour, size=7, va="baseline")
    axes.set_xlim(0, size[0])
    axes.set_ylim(size[1], 0)
    return figure


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return axes at a place given in inches, from the top left."""
    across, down = figure.get_size_inches()
    return figure.add_axes(
        (left / across, 1 - (top + height) / down, width / across, height / down)
    )


def _draw(
    axes: Axes, image: NDArray[Any], extent: tuple[float, float, float, float] | None = None
) -> None:
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, extent=extent)
    axes.axis("off")


def _numbers(
    axes: Axes, values: NDArray[Any], maximum: int, extent: tuple[float, float, float, float]
) -> None:
    axes.imshow(values, cmap="gray", vmin=0, vmax=maximum, extent=extent)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=7)
    axes.xaxis.tick_top()
    left, top = extent[0] + 0.5, extent[3] + 0.5
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value < maximum / 2 else "black"
        place = left + column, top + row
        axes.text(*place, str(value), color=colour, size=6, ha="center", va="center")
