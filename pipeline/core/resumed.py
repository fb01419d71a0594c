"""Interrupted work that can be resumed, under a name that is known: ``NAME.incomplete``.

Such a folder is taken only if it is real and holds a mark of this project, or nothing but what the
work at hand writes; a file, only if it is a plain one with no other name.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.core import places
from pipeline.core.errors import DataError, shown

MARK = f"of-the-pipeline{places.INCOMPLETE}"
"""File in such a folder, which shows that this project made the folder."""


def beside(path: Path) -> Path:
    """Return the path under which work on ``path`` is kept.

    It stands outside the output, since DVC deletes outputs before a stage runs. It is on the same
    file system, since only there a rename is atomic.
    """
    return path.with_name(path.name + places.INCOMPLETE)


def claim(work: Path, is_own: Callable[[str], bool]) -> None:
    """Make a folder of a known name for work that can be resumed, or take the one that is there.

    Parameters
    ----------
    work : Path
    is_own : callable
        Tells by a file's name whether the work writes such files.

    Raises
    ------
    DataError
        If it is a link or no folder, or holds what this project did not write.
    """
    refuse_foreign(work, is_own)
    places.make_folder(work.parent)
    work.mkdir(exist_ok=True)
    if not places.is_plain(work / MARK):
        mark(work)


def refuse_foreign(work: Path, is_own: Callable[[str], bool]) -> None:
    """Raise DataError as ``claim`` does, and make nothing."""
    places.check(work.parent)
    if work.is_symlink() or (work.exists() and not work.is_dir()):
        raise DataError(f"{shown(str(work), 160)} is no folder that this project made; remove it")
    if not work.exists() or places.is_plain(work / MARK):
        return
    for entry in sorted(os.scandir(work), key=lambda entry: entry.name):
        if not is_own(entry.name) or entry.is_symlink():
            raise DataError(
                f"{shown(str(work), 160)} holds {shown(entry.name)}, which this project did not "
                "write; move it away"
            )


def mark(work: Path) -> None:
    """Mark a folder as this project's."""
    os.close(places.create(work / MARK))


def keep(folder: Path, path: Path) -> None:
    """Rename a folder to ``beside(path)``, from where work on ``path`` goes on.

    Raises
    ------
    DataError
        If there is a folder that this project did not make.
    """
    work = beside(path)
    names = {path.name for path in folder.iterdir()}
    claim(work, lambda name: name.removesuffix(places.INCOMPLETE) in names)
    mark(folder)
    places.put(folder, work)


def entries(work: Path) -> list[Path]:
    """Return the files and folders in a folder of interrupted work, but for its mark."""
    return [path for path in work.iterdir() if path.name != MARK]


def continued(path: Path, size: int) -> BinaryIO:
    """Open a file to write on from ``size`` bytes; a link, or one of several names, is made anew.

    Raises
    ------
    DataError
        If it is reached by a link.
    """
    if size and places.is_plain(path):
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "wb")
        file.truncate(size)
        file.seek(size)
        return file
    return os.fdopen(places.create(path), "wb")
