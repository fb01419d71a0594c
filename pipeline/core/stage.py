"""Stage programs: arguments, versions, lock, errors and the closing line around a stage's work."""

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
from pipeline.core.errors import ParameterError, shown
from pipeline.core.params import is_name

STAGE = "DVC_STAGE"
"""The environment variable in which DVC tells a stage's command which stage it is:
``download@NAME``, behind the path of its ``dvc.yaml`` and a colon unless DVC was started beside
it."""


def main(
    work: Callable[[str], str], *, uses: Iterable[str], description: str | None, name: str
) -> NoReturn:
    """Run a stage program and exit.

    Without a name on the command line it takes that of DVC's stage (``STAGE``). So no name from
    ``params.yaml`` stands in a ``cmd`` of ``dvc.yaml``, which DVC gives to a shell.

    The exit status is 0 on success, 1 after an error, 130 after Ctrl-C, 143 after SIGTERM.

    Parameters
    ----------
    work : callable
        Takes the name of the dataset or run, does the stage, returns what it did in a few words.
    uses : iterable of str
        Distributions whose version can change the stage's output. The stage is refused if one is
        not installed in the recorded version.
    description : str
        The program's docstring, for its help text.
    name : str
        Name of the argument: ``"DATASET"``, or one that may have a graph's folder before it, such
        as ``"RUN"``.
    """
    parser = console.Parser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kind = name.lower()
    parser.add_argument(
        "name", metavar=name, nargs="?", help=f"name of a {kind}; by default that of DVC's stage"
    )
    if name == "RUN":
        parser.add_argument("--graph", help="folder of the graph, for the name of DVC's stage")
    console.add_options(parser)
    arguments = parser.parse_args()
    program = Path(sys.argv[0]).stem
    folder = f"{arguments.graph}/" if getattr(arguments, "graph", None) else ""
    given = arguments.name if arguments.name is not None else _named_by_dvc(program, folder)
    if given is None:
        parser.error(f"the following arguments are required: {name}")
    label = f"{program} {given}"
    started = time.perf_counter()

    def run() -> None:
        parts = [given] if name == "DATASET" else given.split("/", 1)
        if not all(map(is_name, parts)):  # they become parts of paths
            raise ParameterError(f"{given!r} is no name of a {kind}")
        libraries.check(uses)
        console.debug(f"{label}: {_versions(uses)}")
        with process_lock.held(re.sub("[ /]", "@", label)):
            summary = work(given)
        console.info(f"{label}: {summary} in {time.perf_counter() - started:.1f} s")
        console.debug(f"{label}: {_resources()}")

    guard(run, label, log=arguments.log, show_traceback=arguments.traceback)
    sys.exit(0)


def guard(
    work: Callable[[], None], label: str, *, log: str | None = None, show_traceback: bool = False
) -> None:
    """Call ``work``; print an error that a user can mend as one line, and exit with status 1.

    Parameters
    ----------
    work : callable
        Takes and returns nothing.
    label : str
        The program's name and argument, which begin the line.
    log : str, optional
        One of ``console.LEVELS``; by default ``PIPELINE_LOG``.
    show_traceback : bool
        Print the traceback of such an error too, as ``PIPELINE_TRACEBACK=1`` does.
    """
    console.mend_streams()
    label = shown(label, 200)
    try:
        console.set_level(log)
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


def _named_by_dvc(program: str, folder: str) -> str | None:
    """Return the name in DVC's stage, behind its graph's folder; None outside of such a stage."""
    stage, _, key = os.environ.get(STAGE, "").rpartition("@")
    return folder + key if stage.rpartition(":")[2] == program else None


def _versions(uses: Iterable[str]) -> str:
    """Return the versions of Python and of the libraries that a stage uses."""
    named = (f"{name} {libraries.installed(name)}" for name in uses)
    return ", ".join([f"Python {sys.version.split()[0]}", *named])


def _resources() -> str:
    """Return the CPU time and the peak memory of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = usage.ru_utime + usage.ru_stime
    return f"{seconds:.1f} s of CPU time, {peak_memory() / 1e6:,.0f} MB of memory at most"


def peak_memory() -> int:
    """Return the most bytes of memory that this process had at once.

    On Linux ``ru_maxrss`` is no measure of it: a process inherits that of the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(encoding="utf-8"), re.MULTILINE)
        if peak:
            return int(peak[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
