"""Measuring programs: each in a fresh process, in alternation, with wall time and peak memory."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import psutil

WATCHED_EVERY = 0.2
"""Seconds between two looks at the memory of a program and its children together."""
Quantities = dict[str, float]
"""What one repetition gives: ``s`` (seconds), ``CPU s`` (of the processor), ``MB`` (peak resident
memory), or a part's own."""


class BenchmarkError(Exception):
    """What keeps a part from being measured, and what to do."""


class Sample(NamedTuple):
    """One run of a program."""

    seconds: float
    """Wall time, from its start to its end."""
    cpu: float
    """Seconds of the processor, of it and its children, which a busy machine changes little."""
    megabytes: float
    """Peak resident memory: of the largest process, exactly, or, if that is more, of the program
    and its children together, looked at every 0.2 s (what they share counts for each)."""
    output: str

    @property
    def quantities(self) -> Quantities:
        """Time, by the clock and of the processor, and memory."""
        return {"s": self.seconds, "CPU s": self.cpu, "MB": self.megabytes}

    @property
    def reported(self) -> dict[str, Any]:
        """The JSON object in the last line of the output, where a program times itself."""
        found: dict[str, Any] = json.loads(self.output.splitlines()[-1])
        return found


def run(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run a program to its end and measure it.

    Raises
    ------
    BenchmarkError
        If it is not there or fails; with the last lines of what it said.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    whole = {**os.environ, "PATH": path, **(env or {})}
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        started = perf_counter()
        try:
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=cwd,
                env=whole,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        except FileNotFoundError:
            raise BenchmarkError(f"{command[0]} is missing; install it") from None
        with _Watch(process.pid) as watch:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if process.returncode:
        tail = "\n".join(said.splitlines()[-8:])
        line = " ".join(map(str, command))
        raise BenchmarkError(f"{line} ended with status {process.returncode}:\n{tail}")
    largest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(seconds, cpu, max(largest, watch.peak) / 1e6, said)


class _Watch:
    """The peak of the resident memory of a process and its children together, in bytes."""

    def __init__(self, pid: int) -> None:
        self.pid, self.peak = pid, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(WATCHED_EVERY):
            try:
                parent = psutil.Process(self.pid)
                family = [parent, *parent.children(recursive=True)]
                self.peak = max(self.peak, sum(one.memory_info().rss for one in family))
            except psutil.Error:  # one of them has just ended
                continue


class Case(NamedTuple):
    """One side of a comparison."""

    name: str
    measure: Callable[[], Quantities]
    """Prepares, which is not measured, and runs once."""


class Measured:
    """What several cases gave, repetition by repetition."""

    def __init__(self, cases: Sequence[Case], repeat: int) -> None:
        """Measure: A B A B …, so that what else the machine does meets all alike."""
        self._found: dict[str, list[Quantities]] = {case.name: [] for case in cases}
        for repetition in range(repeat):
            for case in cases:
                found = case.measure()
                self._found[case.name].append(found)
                shown = ", ".join(f"{value:,.2f} {name}" for name, value in found.items())
                print(f"  {case.name} {repetition + 1}/{repeat}: {shown}", flush=True)

    def values(self, case: str, quantity: str = "s") -> tuple[float, ...]:
        """A quantity in each repetition."""
        return tuple(found[quantity] for found in self._found[case])

    def ratios(self, case: str, base: str, quantity: str = "s") -> tuple[float, ...]:
        """A quantity of one case over that of another, in each repetition."""
        pairs = zip(self.values(case, quantity), self.values(base, quantity), strict=True)
        return tuple(a / b for a, b in pairs)


@dataclass(frozen=True)
class Finding:
    """One line of the results."""

    what: str
    values: tuple[float, ...] = ()
    unit: str = "ratio"
    target: float | None = None
    """The most that the median should be."""
    note: str = ""
    """Why there is no value."""

    @property
    def met(self) -> bool | None:
        """Whether the median is within the target; None without one."""
        if self.target is None or not self.values:
            return None
        return statistics.median(self.values) <= self.target

    @property
    def cells(self) -> tuple[str, ...]:
        """What, unit, minimum, median, maximum, target, whether it is met."""
        if not self.values:
            return (self.what, self.note, "", "", "", _shown(self.target), "")
        spread = (min(self.values), statistics.median(self.values), max(self.values))
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return (self.what, self.unit, *map(_shown, spread), _shown(self.target), met)


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
