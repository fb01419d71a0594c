"""Workers, which run independent tasks in parallel and give their results in order.

They are threads of this process or, with ``PIPELINE_SCHEDULER``, the workers of a Dask cluster.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import closing
from typing import TypeVar

from pipeline.core import console, limits
from pipeline.core.errors import ParameterError, shown
from pipeline.execution import dask

WORKERS = "PIPELINE_WORKERS"
SCHEDULER = "PIPELINE_SCHEDULER"
M_ARENA_MAX = -8
"""Number of this option in glibc's ``malloc.h``."""

T = TypeVar("T")

_is_stopping = threading.Event()


def count() -> int:
    """Return how many tasks run at once: ``PIPELINE_WORKERS``, by default one for each core.

    Raises
    ------
    ParameterError
        If the environment variable is not a positive whole number.
    """
    text = os.environ.get(WORKERS, "")
    if not text:
        return os.cpu_count() or 1
    number = limits.number(text)
    if not number:
        raise ParameterError(f"{WORKERS} must be a whole number from 1, got {shown(repr(text))}")
    return number


def limit_arenas() -> None:
    """Limit glibc to two arenas of memory.

    By default it has eight for each core, and each keeps what was freed in it, so that a program's
    memory grows with its threads. Call this before the first thread is started.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt:
        mallopt(M_ARENA_MAX, 2)


def run(tasks: Sequence[Callable[[], T]], label: str, unit: str) -> Generator[T]:
    """Run tasks in threads, with a progress bar; OpenCV, Arrow and hashing release the GIL.

    The first error, or Ctrl-C, cancels the tasks that have not begun, and ends the others at their
    next ``stoppable`` item. With ``PIPELINE_SCHEDULER``, the address of a Dask scheduler, its
    workers run the tasks, which must then be picklable.

    Parameters
    ----------
    tasks : sequence of callable
        Functions without arguments.
    label, unit : str
        See ``console.bar``.

    Yields
    ------
    result
        Of each task, in the tasks' order, as soon as all before it have finished. Results are not
        kept, so adding them up needs no memory for all of them.
    """
    address = os.environ.get(SCHEDULER, "")
    with closing(dask.run(tasks, address) if address else _in_threads(tasks)) as results:
        early: dict[int, T] = {}
        following = 0
        for number, result in console.bar(label, len(tasks), unit, results):
            early[number] = result
            while following in early:
                yield early.pop(following)
                following += 1


def stoppable(items: Iterable[T]) -> Iterator[T]:
    """Yield a task's items; end the task with CancelledError once tasks are cancelled."""
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
