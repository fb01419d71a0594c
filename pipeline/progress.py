"""Progress bars where there is a terminal, silence where there is none."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def bar(
    what: str, total: int | None = None, unit: str = "", items: Iterable[Any] | None = None
) -> "tqdm[Any]":
    """Progress bar on standard error.

    Parameters
    ----------
    what : str
        What is being done, shown in front of the bar.
    total : int, optional
        Number of steps, if known.
    unit : str
        What a step is; ``"B"`` is shown in multiples of 1,000 bytes.
    items : iterable, optional
        Iterate over these instead of calling ``update``.
    """
    return tqdm(
        items,
        desc=what,
        total=total,
        unit=unit if unit == "B" else f" {unit}",
        unit_scale=unit == "B",
        disable=not sys.stderr.isatty(),
        leave=False,
        dynamic_ncols=True,
    )


def say(line: str) -> None:
    """Print a line on standard output, above the bars."""
    tqdm.write(line)
