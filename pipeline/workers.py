"""Workers: independent tasks, some at once, their results in order."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TypeVar

from pipeline import progress
from pipeline.errors import ParameterError

WORKERS = "PIPELINE_WORKERS"

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


def run(tasks: Sequence[Callable[[], T]], what: str, unit: str) -> list[T]:
    """Run tasks in threads (OpenCV, Arrow and hashing release the GIL), with a progress bar.

    The first error, or Ctrl-C, ends the rest: tasks that have not begun, and those that have where
    they next take one of their ``stoppable`` items.
    """
    _is_stopping.clear()
    with ThreadPoolExecutor(count()) as pool:
        try:
            running = [pool.submit(task) for task in tasks]
            done = progress.bar(what, len(tasks), unit, running)
            return [future.result() for future in done]
        except BaseException:
            _is_stopping.set()
            pool.shutdown(cancel_futures=True)
            raise


def stoppable(items: Iterable[T]) -> Iterator[T]:
    """Pass on what a task works through; end the task where the others are given up."""
    for item in items:
        if _is_stopping.is_set():
            raise CancelledError
        yield item
