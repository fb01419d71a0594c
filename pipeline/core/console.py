"""Console: log lines, results, progress bars, and the options that set how much of them is shown.

Lines are records of Python's logger ``pipeline``. The environment variable ``PIPELINE_LOG`` sets
its level, also for the stages that DVC starts:

- ``quiet``: results, warnings and errors,
- ``normal``: what was done and notes as well,
- ``verbose``: details as well.
"""

import io
import logging
import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from pipeline.core.errors import ParameterError, redact, shown

if TYPE_CHECKING:
    from tqdm import tqdm

LOG = "PIPELINE_LOG"
NOTE = logging.INFO + 5
"""Level of lines beside a command's result, which go to standard error."""
LEVELS = {"quiet": logging.WARNING, "normal": logging.INFO, "verbose": logging.DEBUG}
SECONDS = {logging.INFO: 30, logging.DEBUG: 5}
"""Time between two lines of progress without a terminal, by level."""
UNSAFE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters but tabs and line ends, other
line ends, and what turns the direction of text."""
MARKUP = re.compile("<(?=[A-Za-z/!?])")
"""What a page can take for the beginning of a tag."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that spreadsheets take for a formula."""
LONGEST_LABEL = 60
"""Characters in front of a bar."""


class Parser(ArgumentParser):
    """A parser of arguments whose errors show what was given on one line, shortened."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit with status 2."""
        super().error(redact(shown(message, 1000)))


class _Handler(logging.Handler):
    """A handler that writes above the bars: to standard error from ``NOTE`` on, else to output."""

    def emit(self, record: logging.LogRecord) -> None:
        _write(record.getMessage(), sys.stderr if record.levelno >= NOTE else sys.stdout)


LOGGER = logging.getLogger("pipeline")
LOGGER.addHandler(_Handler())
LOGGER.setLevel(logging.INFO)
LOGGER.propagate = False  # else a library that sets up the root logger doubles the lines

debug, info, warning = LOGGER.debug, LOGGER.info, LOGGER.warning
note = partial(LOGGER.log, NOTE)


def add_options(parser: ArgumentParser) -> None:
    """Add the options ``--quiet``, ``--verbose`` and ``--traceback`` to a parser."""
    levels = parser.add_mutually_exclusive_group()
    for name, lines in (("quiet", "errors and results alone"), ("verbose", "more")):
        levels.add_argument(
            f"-{name[0]}",
            f"--{name}",
            dest="log",
            action="store_const",
            const=name,
            help=f"tell {lines} (as {LOG}={name} does)",
        )
    parser.add_argument("--traceback", action="store_true", help="show the traceback of an error")


def set_level(name: str | None = None) -> None:
    """Set the log level to the one called ``name``, by default ``PIPELINE_LOG``, else ``normal``.

    Raises
    ------
    ParameterError
        If there is no such level.
    """
    name = name or os.environ.get(LOG) or "normal"
    if name not in LEVELS:
        raise ParameterError(f"{LOG} must be one of {', '.join(LEVELS)}, got {name!r}")
    LOGGER.setLevel(LEVELS[name])


def result(text: str) -> None:
    """Print what a command was asked for on standard output, at every level."""
    _write(text, sys.stdout)


def bar(
    label: str, total: int | None = None, unit: str = "", items: Iterable[Any] | None = None
) -> "tqdm[Any]":
    """Return a progress bar on standard error; without a terminal it prints a line now and then.

    Parameters
    ----------
    label : str
        The work, shown in front of the bar.
    total : int, optional
        Number of steps, if known.
    unit : str
        Name of the steps; ``"B"`` is shown in multiples of 1,000 bytes.
    items : iterable, optional
        Iterate over these instead of calling ``update``.
    """
    from tqdm import tqdm

    is_quiet = not LOGGER.isEnabledFor(logging.INFO)
    options: dict[str, Any] = {"dynamic_ncols": True}
    if not is_quiet and not sys.stderr.isatty():
        pause = SECONDS[logging.DEBUG if LOGGER.isEnabledFor(logging.DEBUG) else logging.INFO]
        options = {"file": _Lines(sys.stderr), "delay": pause, "ncols": 0}
        options |= {"mininterval": pause, "maxinterval": pause}
    return tqdm(
        items,
        desc=shown(label, LONGEST_LABEL),
        total=total,
        unit=unit if unit == "B" else f" {unit}",
        unit_scale=unit == "B",
        disable=is_quiet,
        leave=False,
        **options,
    )


class _Lines:
    """A stream that prints each state of a bar as a line, and nothing where the bar is removed."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        if line := text.strip("\r\n "):
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        self.stream.flush()


def harmless(text: str) -> str:
    r"""Return a text whose characters a terminal shows and none of which it obeys.

    JSON means the same afterwards: what is replaced there stands within strings.

    Examples
    --------
    >>> print(harmless("a\x1b[31m b"))
    a\u001b[31m b
    """
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cell(text: str) -> str:
    """Return a text for a table that neither a terminal nor a spreadsheet nor a page misreads.

    DVC puts tables into a page of its own, as they are.

    Examples
    --------
    >>> cell("</script><b>"), cell("=1+1"), cell("<5 years"), cell("C++")
    ('‹/script>‹b>', "'=1+1", '<5 years', 'C++')
    """
    text = MARKUP.sub("‹", harmless(text))
    return f"'{text}" if text.startswith(FORMULA) else text


def _write(text: str, stream: TextIO) -> None:
    """Write a line above the bars, as text that no terminal obeys.

    It is dropped, and all later ones are, if the stream's reader is gone.

    Raises
    ------
    OSError
        If it cannot be written, as on a full disk.
    """
    from pathlib import Path  # all here, so that --help is quick

    from tqdm import tqdm

    from pipeline.core import files

    name = "standard error" if stream is sys.stderr else "standard output"
    try:
        with files.writing(Path(name)):
            tqdm.write(harmless(text), file=stream)
            stream.flush()
    except BrokenPipeError:  # as with `| head`; the lines are not a stage's output
        _drop(stream)
    except OSError:
        _drop(
            stream
        )  # or Python would write what is left of it at the end, and fail in its own way
        raise


def _drop(stream: TextIO) -> None:
    """Have all that is written to the stream, and waits in it, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def mend_streams() -> None:
    """Open closed standard streams on the null device; let standard output escape characters.

    A data file would otherwise get a closed stream's number, and with it all that a library prints
    there. A terminal without a character, such as one in Latin-1, would otherwise end the work.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
