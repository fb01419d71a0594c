"""What every stage program does around its work: arguments, versions, errors, one closing line."""

import argparse
import os
import re
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from pipeline.core import console, errors, libraries, process_lock, signals
from pipeline.core.errors import ParameterError
from pipeline.core.params import NAME


def main(
    work: Callable[[str], str], *, uses: Iterable[str], description: str | None, name: str
) -> NoReturn:
    """Run a stage program and exit.

    The status is 0 if it is done, 1 after an error, 130 after Ctrl-C, 143 after SIGTERM.

    Parameters
    ----------
    work : callable
        Takes the name of the dataset or run, does the stage, returns what it did in a few words.
    uses : iterable of str
        Distributions whose version can change the stage's output; refused if not as recorded.
    description : str
        The program's docstring, for its help text.
    name : str
        What the argument is: ``"DATASET"``, or what may be of another graph: ``"RUN"`` …
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar=name, help=f"name of a {name.lower()}")
    console.add(parser)
    arguments = parser.parse_args()
    console.heed(arguments)
    label = f"{Path(sys.argv[0]).stem} {arguments.name}"
    started = time.perf_counter()

    def run() -> None:
        parts = [arguments.name] if name == "DATASET" else arguments.name.split("/", 1)
        if not all(re.match(NAME, part) for part in parts):  # they become parts of paths
            raise ParameterError(f"{arguments.name!r} is no name of a {name.lower()}")
        libraries.check(uses)
        console.detail(f"{label}: {_versions(uses)}")
        with process_lock.held(re.sub("[ /]", "@", label)):
            done = work(arguments.name)
        console.say(f"{label}: {done} in {time.perf_counter() - started:.1f} s")
        console.detail(f"{label}: {_consumption()}")

    guard(run, label, show_traceback=arguments.traceback)
    sys.exit(0)


def guard(work: Callable[[], None], label: str, *, show_traceback: bool = False) -> None:
    """Call ``work``; turn what a user can mend into one line on standard error and an exit.

    Set ``PIPELINE_TRACEBACK=1`` to see tracebacks of such errors too.
    """
    console.mend_streams()
    try:
        console.level()
        with signals.handled(label):
            work()
    except signals.Stop as stop:
        print(f"\n{stop.line}", file=sys.stderr)
        sys.exit(stop.status)
    except Exception as error:
        line = errors.explain(error)
        if line is None:
            raise
        if show_traceback or os.environ.get("PIPELINE_TRACEBACK") == "1":
            traceback.print_exc()
        print(f"{label}: {line}", file=sys.stderr)
        sys.exit(1)


def _versions(uses: Iterable[str]) -> str:
    """What a stage is computed with."""
    named = (f"{name} {libraries.installed(name)}" for name in uses)
    return ", ".join([f"Python {sys.version.split()[0]}", *named])


def _consumption() -> str:
    """What this process took so far of processors and memory."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    kilobytes = found.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    seconds = found.ru_utime + found.ru_stime
    return f"{seconds:.1f} s of CPU time, {kilobytes * 1024 / 1e6:,.0f} MB of memory at most"
