"""Process locks, so that two processes never write the same outputs at once.

Killing ``dvc`` alone leaves the running stage behind, which would then write beside its successor.
A lock belongs to the operating system: it ends with its process, however that ends.

Each stage holds a lock of its own name. A command that changes a file of the project holds
``project``, reads the file under it, and starts no stage while it holds it. Where it needs DVC's
lock too, it takes that one second.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.core import console, files, paths, places
from pipeline.core.errors import DataError, shown

LONGEST_NUMBER = 20
"""Characters of a process's number."""


@contextmanager
def project() -> Iterator[None]:
    """Hold the project's lock, for a command that changes a file of the project."""
    with held("project"):
        yield


@contextmanager
def held(name: str, folder: Path = paths.LOCKS) -> Iterator[None]:
    """Hold the lock ``name`` in the body; if another process holds it, print so and wait.

    Raises
    ------
    DataError
        If there is something else in the place of its file.
    """
    places.make_folder(folder)
    path, owner = folder / f"{name}.lock", folder / f"{name}.pid"
    for place in (path, owner):
        if place.is_symlink() or (place.exists() and not places.is_plain(place)):
            raise DataError(f"{shown(str(place), 160)} is no lock of this project's; remove it")
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        console.info(f"{name}: waiting for process {_process(owner)}, which is still at it")
        lock.acquire()
    try:
        files.write_text(owner, str(os.getpid()))
        yield
    finally:
        lock.release()


def _process(owner: Path) -> str:
    """Return the number of the process that holds a lock."""
    try:
        with files.open_regular(owner) as file:
            number = file.read(LONGEST_NUMBER).decode()
    except (OSError, ValueError):
        number = ""
    return number if number.isdecimal() else "of unknown number"
