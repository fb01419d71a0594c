"""Matplotlib figures that are the same everywhere: settings, text, and PNG files.

They use the object API and pinned settings, so neither a display, nor a user's ``matplotlibrc``,
nor the clock changes a byte. The colours are from Okabe and Ito's palette, which colour-blind
readers tell apart.
"""

import functools
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib import get_data_path
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font

from pipeline.core import files

INK, GREY, PALE = "#1b1b1b", "#666666", "#dddddd"
BLUE, ORANGE, VERMILLION = "#0072b2", "#e69f00", "#d55e00"

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
"""A decorator that sets Matplotlib's defaults and ``STYLE``, whatever the user's settings are."""

NAMED_CLASSES = 100
"""No figure has room for the names of more classes than these."""
FONT = Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf")


@pinned
def save(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure as PNG, ``dpi`` pixels an inch, without a date or the program's name."""
    with files.new_file(path) as work:
        figure.savefig(work, format="png", dpi=dpi, metadata={"Software": None})


def text(value: str, limit: int = 24) -> str:
    r"""Return a class's name or an image's id as figures show it.

    A character that cannot be printed, or that the font lacks, stands as Python's escape. The text
    is cut after ``limit`` characters.

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
    """Return the code points that the font has."""
    return frozenset(get_font(FONT).get_charmap())
