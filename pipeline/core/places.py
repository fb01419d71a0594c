"""Places: the rules by which files and folders are made, replaced and removed.

A clone, or an archive of a project, can bring links and files under any name. These rules keep what
is written and removed within the project, and leave alone what the project did not make:

- No folder on the way from the project's to a file is a link. Only ``data``, the project's or a
  study's, may be one, as to a larger disk; not if Git tracks the link, for then a clone brought it.
- A file that is a link, as DVC makes them to its cache, or that has several names (hard links) is
  replaced by a new file. It is never written through. An output's folder that is a link is refused.
- What is made stands beside its target under a name that nobody can foresee, made exclusively, and
  is renamed when it is complete. What a killed process left of such is removed: by its name, owner
  and kind, and only if no process holds it.
- Where work goes on that was interrupted, the name is known; ``resumed`` has the rules for that.
"""

import errno
import fcntl
import functools
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pipeline.core import paths
from pipeline.core.errors import DataError, shown

INCOMPLETE = ".incomplete"
DATA = "data"
"""Name of the folder that may be a link."""
LINK = b"120000 "
"""Mode of a link in Git's index."""
NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
KNOWN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LONGEST_NAME = 200
"""Characters of a target's name that a temporary name begins with; a file system takes 255."""


class Held(NamedTuple):
    """A temporary file or folder, which is locked while its descriptor is open."""

    path: Path
    descriptor: int


def check(folder: Path) -> None:
    """Refuse a folder of the project that is a link, or is reached by one.

    Raises
    ------
    DataError
        Naming the link.
    """
    root = Path.cwd()
    full = root / folder
    for place in (*reversed(full.parents), full):
        inner = os.path.normpath(place)
        within = inner.startswith(f"{root}{os.sep}")
        if within and place.is_symlink() and not _is_larger_disk(place, root):
            raise DataError(
                f"{shown(os.path.relpath(inner, root), 160)} is a link; nothing is written or "
                "removed through it. Remove it; data on another disk: make data itself a link, "
                "which Git does not track"
            )


def check_outputs(datasets: Iterable[str], runs: Iterable[str]) -> None:
    """Refuse any folder of outputs that is a link, before DVC follows it; raises as ``check``."""
    for folder in paths.outputs(datasets, runs):
        check(folder)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless they are there; raises as ``check``."""
    check(path)
    path.mkdir(parents=True, exist_ok=True)


@contextmanager
def temporary(path: Path, *, folder: bool = False) -> Iterator[Held]:
    """Make an empty file or folder beside ``path``, and remove it after the body if it is there."""
    make_folder(path.parent)
    _sweep(path)
    held = _made(path, folder)
    try:
        yield held
    finally:
        try:
            _remove(held.path)
        finally:
            os.close(held.descriptor)


def put(work: Path, path: Path, refuse: Callable[[Path], None] | None = None) -> None:
    """Rename a folder to ``path``, in place of one that is there.

    Parameters
    ----------
    work : Path
        A folder on the same file system.
    path : Path
    refuse : callable, optional
        Raises an error if the folder at ``path`` must stay.

    Raises
    ------
    DataError
        If ``path`` is a link or no folder.
    """
    check(path.parent)
    replaced = []
    is_put = False
    while not is_put:
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            what = "a link" if path.is_symlink() else "no folder"
            raise DataError(f"{shown(str(path), 160)} is there and is {what}; move it away")
        if path.exists():
            if refuse:
                refuse(path)
            with suppress(FileNotFoundError):  # another process was faster
                replaced.append(path.rename(_unforeseen(path)))
        try:
            work.rename(path)
            is_put = True
        except OSError as error:  # another process has put its own there
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    for old in replaced:
        shutil.rmtree(old, ignore_errors=True)  # or another process sweeps it


@contextmanager
def attempt(path: Path, scratch: Path) -> Iterator[Path]:
    """Yield a path of this attempt alone to write to; rename it to ``path`` if the body succeeds.

    Several machines may attempt the same file without meeting. No attempt can put it in place once
    ``scratch``, a folder on the same file system, is gone.
    """
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        yield folder / path.name
        (folder / path.name).replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_plain(path: Path) -> bool:
    """Return True for a file of one name alone: no link, neither soft nor hard, and no folder."""
    try:
        there = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(there.st_mode) and there.st_nlink == 1


def create(path: Path) -> int:
    """Make a file, in place of a link or a file that is there; return its descriptor."""
    check(path.parent)
    with suppress(FileNotFoundError):
        path.unlink()
    return os.open(path, NEW_FILE, 0o666)


def remove(path: Path) -> None:
    """Remove a file, a link itself, or a folder with all that is in it; raises as ``check``."""
    check(path.parent)
    _remove(path)


def move(path: Path, target: Path) -> None:
    """Rename a file, in place of a file or link that is there; raises as ``check``."""
    check(target.parent)
    path.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_larger_disk(place: Path, root: Path) -> bool:
    """Return True for a link ``data``, the project's or a study's, that Git does not track."""
    parent = place.parent
    is_study = parent.parent == root and (parent / "dvc.yaml").exists()
    return place.name == DATA and (parent == root or is_study) and not _is_tracked(place)


@functools.cache
def _is_tracked(link: Path) -> bool:
    """Return True if Git tracks a link; False where there is no Git."""
    command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--stage", "--", link.name]
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=link.parent, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    entries = done.stdout.split(b"\0")
    return any(e.startswith(LINK) and e.endswith(b"\t" + os.fsencode(link.name)) for e in entries)


def _unforeseen(path: Path) -> Path:
    return path.with_name(f"{path.name[:LONGEST_NAME]}.{os.urandom(8).hex()}{INCOMPLETE}")


def _made(path: Path, folder: bool) -> Held:
    """Make a temporary file or folder, and lock it, so that no other process takes it for left."""
    while True:
        work = _unforeseen(path)
        try:
            if folder:
                work.mkdir()
            descriptor = os.open(work, KNOWN if folder else NEW_FILE, 0o666)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and path.parent.is_dir():
                continue  # another process has swept it before it was locked
            raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from None
        with suppress(OSError):  # where the file system has no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if work.exists():  # another process could have swept it before it was locked
            return Held(work, descriptor)
        os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove what killed processes left of ``path``."""
    left = re.compile(re.escape(path.name[:LONGEST_NAME]) + r"\.[0-9a-f]{16}" + INCOMPLETE)
    for place in path.parent.iterdir():
        if left.fullmatch(place.name):
            with suppress(OSError):
                _sweep_one(place)


def _sweep_one(work: Path) -> None:
    descriptor = os.open(work, KNOWN)
    try:
        there = os.fstat(descriptor)
        is_ours = stat.S_ISDIR(there.st_mode) or (
            stat.S_ISREG(there.st_mode) and there.st_nlink == 1
        )
        if is_ours and there.st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if it is being written
            _remove(work)
    finally:
        os.close(descriptor)
