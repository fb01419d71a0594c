"""Workers: independent tasks, some at once, their results in order.

They are threads of this process, or, with ``PIPELINE_SCHEDULER``, those of a Dask cluster.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import closing
from typing import TypeVar

from pipeline.core import console
from pipeline.core.errors import ParameterError
from pipeline.execution import dask as dask_cluster

WORKERS = "PIPELINE_WORKERS"
SCHEDULER = "PIPELINE_SCHEDULER"
M_ARENA_MAX = -8
"""Of glibc's ``malloc.h``."""

T = TypeVar("T")

_is_stopping = threading.Event()


def count() -> int:
    """How many tasks run at once: ``PIPELINE_WORKERS``, by default one for each core.

    Raises
    ------
    ParameterError
        If the environment variable is not a positive whole number.
    """
    text = os.environ.get(WORKERS, "")
    if not text:
        return os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ParameterError(f"{WORKERS} must be a whole number from 1, got {text!r}")
    return int(text)


def limit_arenas() -> None:
    """Have glibc use two arenas, not eight for each core, of which each keeps what was freed in it.

    For programs that run tasks, before there is a thread: what they take then grows less with the
    number of tasks.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt:
        mallopt(M_ARENA_MAX, 2)


def run(tasks: Sequence[Callable[[], T]], what: str, unit: str) -> Generator[T]:
    """Run tasks in threads (OpenCV, Arrow and hashing release the GIL), with a progress bar.

    Their results come in the tasks' order, each as soon as all before it are there, and are not
    kept: who adds them up needs no memory for all of them.

    The first error, or Ctrl-C, ends the rest: tasks that have not begun, and those that have where
    they next take one of their ``stoppable`` items. With ``PIPELINE_SCHEDULER``, the address of a
    Dask scheduler, its workers run them; then tasks must be what can be sent there.
    """
    address = os.environ.get(SCHEDULER, "")
    with closing(dask_cluster.run(tasks, address) if address else _in_threads(tasks)) as results:
        early: dict[int, T] = {}
        following = 0
        for number, result in console.bar(what, len(tasks), unit, results):
            early[number] = result
            while following in early:
                yield early.pop(following)
                following += 1


def stoppable(items: Iterable[T]) -> Iterator[T]:
    """Pass on what a task works through; end the task where the others are given up."""
    for item in items:
        if _is_stopping.is_set():
            raise CancelledError
        yield item


def _in_threads(tasks: Sequence[Callable[[], T]]) -> Generator[tuple[int, T]]:
    _is_stopping.clear()
    with ThreadPoolExecutor(count()) as pool:
        try:
            running = {pool.submit(task): number for number, task in enumerate(tasks)}
            for future in as_completed(running):
                yield running.pop(future), future.result()
        except BaseException:
            _is_stopping.set()
            pool.shutdown(cancel_futures=True)
            raise
