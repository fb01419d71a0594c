"""What every stage program does around its work: arguments, versions, errors, one closing line."""

import argparse
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from pipeline import libraries, locks
from pipeline.errors import ParameterError, PipelineError
from pipeline.params import NAME


def main(
    work: Callable[[str], str], *, uses: Iterable[str], description: str | None, name: str
) -> NoReturn:
    """Run a stage program and exit: 0 if it is done, 1 after an error, 130 after Ctrl-C.

    Parameters
    ----------
    work : callable
        Takes the name of the dataset or run, does the stage, returns what it did in a few words.
    uses : iterable of str
        Distributions whose version can change the stage's output; refused if not as recorded.
    description : str
        The program's docstring, for its help text.
    name : str
        What the argument is: ``"DATASET"`` or ``"RUN"``.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar=name, help=f"a {name.lower()} in params.yaml")
    parser.add_argument("--traceback", action="store_true", help="show the traceback of an error")
    arguments = parser.parse_args()
    label = f"{Path(sys.argv[0]).stem} {arguments.name}"

    def run() -> str:
        if not re.match(NAME, arguments.name):  # it becomes part of paths
            raise ParameterError(f"{arguments.name!r} is no name of a {name.lower()}")
        libraries.check(uses)
        with locks.held(label.replace(" ", "@")):
            return work(arguments.name)

    started = time.perf_counter()
    done = guard(run, label, show_traceback=arguments.traceback)
    print(f"{label}: {done} in {time.perf_counter() - started:.1f} s")
    sys.exit(0)


def guard(work: Callable[[], str], label: str, *, show_traceback: bool = False) -> str:
    """Call ``work``; turn what a user can mend into one line on standard error and an exit.

    Set ``PIPELINE_TRACEBACK=1`` to see tracebacks of such errors too.
    """
    try:
        return work()
    except KeyboardInterrupt:
        print(f"\n{label}: interrupted", file=sys.stderr)
        sys.exit(130)
    except (PipelineError, OSError) as error:
        if show_traceback or os.environ.get("PIPELINE_TRACEBACK") == "1":
            traceback.print_exc()
        print(f"{label}: {_line(error)}", file=sys.stderr)
        sys.exit(1)


def _line(error: Exception) -> str:
    """An error's message on one line, with nothing in it that a terminal would obey."""
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        text = str(error)
    return "".join(c if c.isprintable() else " " for c in text)
