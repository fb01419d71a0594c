"""Workers: independent tasks, some at once, their results in order."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pipeline import progress
from pipeline.errors import ParameterError

WORKERS = "PIPELINE_WORKERS"

T = TypeVar("T")


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

    The first error ends the rest.
    """
    with ThreadPoolExecutor(count()) as pool:
        running = [pool.submit(task) for task in tasks]
        try:
            done = progress.bar(what, len(tasks), unit, running)
            return [future.result() for future in done]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
