"""Processes that train or measure, each within what is left of the time."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.gpu.training import MARK, Result, Training
from benchmarks.measuring import BenchmarkError


class Clock:
    """A time that all parts share."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self.end - time.monotonic())


class Children:
    """Processes on one kind of device."""

    def __init__(self, clock: Clock, *, gpu: bool) -> None:
        self.clock = clock
        self.gpu = gpu

    def train(
        self, *trainings: Training, gpu: bool = True, memory: int | None = None
    ) -> list[Result]:
        """Train one after another in one process; return the results of those that were done.

        Parameters
        ----------
        gpu : bool
            Whether the process sees a GPU.
        memory : int, optional
            Bytes of images that may be held in memory (``PIPELINE_MEMORY``).

        Raises
        ------
        BenchmarkError
            If the process fails, or the time is over before the first is done.
        """
        given = json.dumps([asdict(one) for one in trainings])
        env = {"PIPELINE_MEMORY": str(memory)} if memory else {}
        found = self._results(["benchmarks.gpu.training"], given, env, gpu=gpu)
        return [Result(**one) for one in found]

    def device(self, name: str, *arguments: str) -> dict[str, Any]:
        """Call a function of ``benchmarks.gpu.device``; raises BenchmarkError as ``train`` does."""
        return self._results(["benchmarks.gpu.device", name, *arguments], "", {}, gpu=True)[0]

    def _results(
        self, arguments: Sequence[str], given: str, env: Mapping[str, str], *, gpu: bool
    ) -> list[dict[str, Any]]:
        """Run a module of this package; return the results that it printed."""
        whole = os.environ | dict(env)
        if not (gpu and self.gpu):
            whole["CUDA_VISIBLE_DEVICES"] = "-1"
        if self.clock.left < 1:
            raise BenchmarkError("left out, for the time is over")
        status, fault = 0, "cut short, for the time is over"
        try:
            done = subprocess.run(
                [sys.executable, "-m", *arguments],
                input=given.encode(),
                capture_output=True,
                env=whole,
                timeout=self.clock.left,
            )
            said, status = done.stdout, done.returncode
            tail = " / ".join(done.stderr.decode(errors="replace").strip().splitlines()[-3:])
            fault = f"{' '.join(arguments)} ended with {status}: {tail}"
        except subprocess.TimeoutExpired as error:
            said = error.stdout or b""
        lines = said.decode(errors="replace").splitlines()
        found = [json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
        if status or not found:
            raise BenchmarkError(fault)
        return found
