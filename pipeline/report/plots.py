"""Charts of a run: learning curves, the confusion matrix, the scores of the classes.

Each function returns a Matplotlib figure. They use the object API and pinned settings, so neither a
display, nor a user's ``matplotlibrc``, nor the clock changes a byte of what ``save`` writes. The
colours are from Okabe and Ito's palette, which colour-blind readers tell apart.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib import get_data_path
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

INK, GREY, PALE = "#1b1b1b", "#666666", "#dddddd"
BLUE, ORANGE, VERMILLION, GREEN = "#0072b2", "#e69f00", "#d55e00", "#009e73"

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "font.family": "DejaVu Sans",  # comes with Matplotlib
    "font.size": 9,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # a class may be named "$5"
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}
pinned = matplotlib.style.context(STYLE, after_reset=True)
"""Decorator: Matplotlib's defaults and ``STYLE``, whatever the user's settings are."""

CURVES = (
    ("train", "train (mean over the epoch)", {"color": BLUE, "marker": "o"}),
    ("validation", "validation", {"color": VERMILLION, "marker": "s"}),
    ("test", "test (drawn, not used)", {"color": GREY, "marker": "^", "linestyle": "--"}),
)
MARKED_EPOCHS = 40
"""More epochs than these are drawn without markers."""
COUNTED_CLASSES = 20
"""A confusion matrix of more classes has no room for counts."""
NAMED_CLASSES = 100
"""No figure has room for the names of more classes than these."""


@pinned
def save(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure as PNG, ``dpi`` pixels an inch, without a date or the program's name."""
    figure.savefig(path, format="png", dpi=dpi, metadata={"Software": None})


@pinned
def curves(history: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Loss and accuracy by epoch.

    Parameters
    ----------
    history : mapping
        ``epoch`` and, for the subsets that were tracked, ``<subset>_loss`` and
        ``<subset>_accuracy``; each of shape (epochs,).
    """
    figure = Figure((10, 3.9), layout="constrained")
    epochs = history["epoch"]
    names = ("loss", "accuracy")
    for axes, name, title in zip(figure.subplots(1, 2), names, ("Loss", "Accuracy"), strict=True):
        for subset, label, look in CURVES:
            values = history.get(f"{subset}_{name}")
            if values is not None:
                axes.plot(epochs, values, label=label, linewidth=1.6, markersize=4, **look)
        if len(epochs) > MARKED_EPOCHS:
            for line in axes.lines:
                line.set_marker("")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


@pinned
def confusion(counts: NDArray[np.int64], classes: Sequence[str]) -> Figure:
    """The confusion matrix: counts in the cells, coloured by their share of the true class.

    Parameters
    ----------
    counts : ndarray of int64
        True classes in rows, predicted ones in columns; shape (K, K).
    classes : sequence of str
        Their names.
    """
    n = len(classes)
    figure = Figure(_square(n), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    bar = figure.colorbar(image, ax=axes, format=PercentFormatter(1), shrink=0.6, aspect=30)
    bar.outline.set_visible(False)
    bar.set_label("share of the true class")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    if n <= NAMED_CLASSES:
        size = 9.0 if n <= COUNTED_CLASSES else 5.0
        names = [text(name) for name in classes]
        axes.set_xticks(range(n), names, rotation=45, ha="right", rotation_mode="anchor", size=size)
        axes.set_yticks(range(n), names, size=size)
        axes.tick_params(length=0)
    if n <= COUNTED_CLASSES:
        edges = np.arange(n + 1) - 0.5
        axes.hlines(edges, -0.5, n - 0.5, colors="white", linewidths=1)
        axes.vlines(edges, -0.5, n - 0.5, colors="white", linewidths=1)
        size = min(9, 40 / len(f"{counts.max():,}"))
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else INK if count else "#b0b0b0"
            axes.text(column, row, f"{count:,}", color=colour, size=size, ha="center", va="center")
    return figure


@pinned
def scores(per_class: Mapping[str, Mapping[str, float]], classes: Sequence[str]) -> Figure:
    """Precision, recall and F1 of every class, as bars.

    Of more than ``NAMED_CLASSES`` those with the lowest F1 are shown.

    Parameters
    ----------
    per_class : mapping
        For each class ``precision``, ``recall`` and ``f1``, in [0, 1].
    classes : sequence of str
        Their names, in the order of the labels.
    """
    shown = classes
    if len(classes) > NAMED_CLASSES:
        lowest = set(sorted(classes, key=lambda name: per_class[name]["f1"])[:NAMED_CLASSES])
        shown = [name for name in classes if name in lowest]
    height = 0.26
    positions = np.arange(len(shown))
    figure = Figure((10, 1.1 + 0.42 * len(shown)), layout="constrained")
    axes = figure.subplots()
    measures = (("precision", "precision", BLUE), ("recall", "recall", ORANGE), ("f1", "F1", GREEN))
    for number, (key, label, colour) in enumerate(measures):
        values = [per_class[name][key] for name in shown]
        axes.barh(positions + (number - 1) * height, values, height, label=label, color=colour)
    for position, name in zip(positions, shown, strict=True):
        value = per_class[name]["f1"]
        axes.text(value + 0.006, position + height, f"{value:.3f}", size=7, va="center")
    axes.set_yticks(positions, [text(name) for name in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, 1.04)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper center", ncols=len(measures))
    return figure


def text(value: str, limit: int = 24) -> str:
    r"""A class's name or an image's id as the figures show it.

    What cannot be printed or is not in Matplotlib's own font stands as Python's escape, and what is
    longer than ``limit`` characters is cut.

    Examples
    --------
    >>> text("T-shirt/top"), text("a\nb"), text("naïve"), text("x" * 30)
    ('T-shirt/top', 'a\\nb', 'naïve', 'xxxxxxxxxxxxxxxxxxxxxxx…')
    """
    shown = "".join(
        c if c.isprintable() and ord(c) in _glyphs() else c.encode("unicode_escape").decode()
        for c in value
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


@functools.cache
def _glyphs() -> frozenset[int]:
    """The code points that the font has."""
    return frozenset(get_font(Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf")).get_charmap())


def _square(classes: int) -> tuple[float, float]:
    """Width and height, in inches, of a confusion matrix."""
    side = min(max(3.5, 0.62 * classes), 12.5)
    return side + 2.6, side + 1.2
