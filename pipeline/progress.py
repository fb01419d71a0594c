"""Progress bars where there is a terminal, silence where there is none."""

import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline import files


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
    """Print a line on standard output, above the bars; nowhere, once its reader is gone."""
    try:
        with files.writing(Path("standard output")):
            tqdm.write(line)
            sys.stdout.flush()
    except BrokenPipeError:  # as by `| head`: what is told is no output of a stage
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def mend_streams() -> None:
    """Open standard streams that are closed, and let standard output take any character.

    A data file would get a closed stream's number, and whatever a library prints into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
