"""Console: how much is told of work, progress bars, and the options that set it.

``PIPELINE_LOG`` says how much, for stages that DVC starts as well: ``quiet`` (errors, and what a
command was asked for), ``normal``, or ``verbose``.
"""

import io
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from pipeline.core import files
from pipeline.core.errors import ParameterError

LOG = "PIPELINE_LOG"
"""Environment variable that says how much is told, for stages that DVC starts as well."""


QUIET, NORMAL, VERBOSE = LEVELS = "quiet", "normal", "verbose"


def add(parser: ArgumentParser) -> None:
    """Add them to a parser."""
    how_much = parser.add_mutually_exclusive_group()
    for name, help_ in (
        (QUIET, f"tell errors and results alone (as {LOG}={QUIET} does)"),
        (VERBOSE, f"tell more (as {LOG}={VERBOSE} does)"),
    ):
        how_much.add_argument(
            f"-{name[0]}", f"--{name}", dest="log", action="store_const", const=name, help=help_
        )
    parser.add_argument("--traceback", action="store_true", help="show the traceback of an error")


def heed(arguments: Namespace) -> None:
    """Have this process tell as much as its arguments say."""
    if arguments.log:
        os.environ[LOG] = arguments.log


SECONDS = {NORMAL: 30, VERBOSE: 5}
"""Between two lines of progress where there is no terminal."""


def level() -> str:
    """How much is told: one of ``LEVELS``.

    Raises
    ------
    ParameterError
        If the environment variable is none of them.
    """
    found = os.environ.get(LOG) or NORMAL
    if found not in LEVELS:
        raise ParameterError(f"{LOG} must be one of {', '.join(LEVELS)}, got {found!r}")
    return found


def bar(
    what: str, total: int | None = None, unit: str = "", items: Iterable[Any] | None = None
) -> "tqdm[Any]":
    """Progress bar on standard error; without a terminal a line there, of work that takes long.

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
    shown, is_terminal = level(), sys.stderr.isatty()
    lines: dict[str, Any] = {}
    if shown != QUIET and not is_terminal:
        pause = SECONDS[shown]
        lines = {"file": _Lines(sys.stderr), "delay": pause, "ncols": 0}
        lines |= {"mininterval": pause, "maxinterval": pause}
    return tqdm(
        items,
        desc=what,
        total=total,
        unit=unit if unit == "B" else f" {unit}",
        unit_scale=unit == "B",
        disable=shown == QUIET,
        leave=False,
        **(lines or {"dynamic_ncols": True}),
    )


class _Lines:
    """A stream on which each state of a bar is a line, and its removal nothing."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        if line := text.strip("\r\n "):
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        self.stream.flush()


def say(line: str) -> None:
    """Print a line on what was done on standard output, above the bars, unless all is quiet."""
    if level() != QUIET:
        show(line)


def detail(line: str) -> None:
    """Print a line on standard output if all is to be told."""
    if level() == VERBOSE:
        show(line)


def note(line: str) -> None:
    """Print a line beside a command's result: on standard error, unless all is quiet."""
    if level() != QUIET:
        warn(line)


def warn(line: str) -> None:
    """Print a line on standard error, above the bars, in any case."""
    tqdm.write(line, file=sys.stderr)


def show(text: str) -> None:
    """Print what was asked for on standard output; nowhere, once its reader is gone."""
    try:
        with files.writing(Path("standard output")):
            tqdm.write(text)
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
