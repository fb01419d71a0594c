"""Process locks, so that two processes never write the same outputs at once.

Killing ``dvc`` alone leaves the running stage behind, which would then write beside its successor.
A lock belongs to the operating system: it ends with its process, however that ends.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.core import console, files, paths


@contextmanager
def held(name: str, folder: Path = paths.LOCKS) -> Iterator[None]:
    """Hold the lock ``name`` in the body; if another process holds it, print so and wait."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    owner = folder / f"{name}.pid"
    try:
        lock.acquire(blocking=False)
    except Timeout:
        process = owner.read_text() if owner.exists() else "of unknown number"
        console.info(f"{name}: waiting for process {process}, which is still at it")
        lock.acquire()
    try:
        with files.writing(owner):
            owner.write_text(str(os.getpid()))
        yield
    finally:
        lock.release()
