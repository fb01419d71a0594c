"""Files: hashes, canonical JSON, and outputs that appear only when they are complete."""

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from pipeline.core import limits
from pipeline.core.errors import DataError, PipelineError

INCOMPLETE = ".incomplete"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Errors of a full disk, quota or limit."""
CLUTTER = {
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "lost+found"),
    *("system volume information", "@eadir", "@recycle", "#recycle", "__pycache__"),
}
"""Names in lower case that file managers and file servers leave, beside hidden ones (``.NAME``)."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def megabytes(*paths: Path) -> str:
    """Return the length of files, and of all files in folders, together, such as ``"1.2 MB"``."""
    entries = [entry for path in paths for entry in ([path] if path.is_file() else path.rglob("*"))]
    return f"{sum(entry.stat().st_size for entry in entries if entry.is_file()) / 1e6:,.1f} MB"


def beside(path: Path) -> Path:
    """Return the path under which an output is made before it is renamed: ``NAME.incomplete``.

    It stands outside the output, since DVC deletes outputs before a stage runs. It is on the same
    file system, since only there a rename is atomic.
    """
    return path.with_name(path.name + INCOMPLETE)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Add ``path`` to the error of a full disk, which names no file or the one that was read."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; rename it to ``path`` if the body succeeds, else remove it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = beside(path)
    try:
        with writing(path):
            yield work
        work.replace(path)
    finally:
        work.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path, *, resume: bool = False) -> Iterator[Path]:
    """Yield a folder to fill; rename it to ``path`` if the body succeeds, else remove it.

    A folder that stood at ``path`` is replaced as a whole. The yielded folder is empty. With
    ``resume`` it holds what an interrupted call left, and it stays if the body is interrupted in
    turn. After a ``PipelineError`` it is removed all the same, since damaged data are no start.
    """
    work = beside(path)
    if not resume:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=resume)
    try:
        with writing(path):
            yield work
        if path.exists():
            shutil.rmtree(path)
        work.rename(path)
    except BaseException as error:
        if not resume or isinstance(error, PipelineError):
            shutil.rmtree(work, ignore_errors=True)
        raise


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


def existing(path: Path, stage: str) -> Path:
    """Return ``path``, a file that ``stage`` wrote.

    Raises
    ------
    DataError
        If it is missing or is no plain file, but a folder, a FIFO or a device.
    """
    if not path.exists():
        raise DataError(f"{path} is missing; run the {stage} stage (dvc repro)")
    if not path.is_file():
        raise DataError(f"{path} is no plain file; remove it and run the {stage} stage (dvc repro)")
    return path


def open_regular(path: Path) -> BinaryIO:
    """Open a plain file for reading.

    A FIFO would hold the reader until somebody writes to it, and a device has no end.

    Raises
    ------
    DataError
        If it is a folder, a FIFO, a device or a socket.
    FileNotFoundError
        If there is nothing.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DataError(f"{path} is no plain file, but a folder, FIFO or device; remove it")
    return os.fdopen(descriptor, "rb")


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 with Unix line ends, complete or not at all."""
    with new_file(path) as work:
        work.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write canonical JSON: sorted keys, two spaces, no NaN, a final newline."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, f"{text}\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    DataError
        If it is missing or is not JSON.
    """
    try:
        with limits.memory(path), open_regular(path) as file:
            return json.loads(file.read())
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the stage that writes it (dvc repro)") from None
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path} is not valid JSON ({error}); delete it and run dvc repro"
        ) from None


def is_clutter(path: PurePath) -> bool:
    """Return True if a file, or a folder in which it stands, is hidden or was left by a program.

    Such files are no images, whatever they are called: neither in a folder nor in an archive, to be
    learned from or to be classified.

    Examples
    --------
    >>> is_clutter(PurePath("cat/1.png")), is_clutter(PurePath("__MACOSX/cat/1.png"))
    (False, True)
    >>> is_clutter(PurePath("cat/.ipynb_checkpoints/1-checkpoint.png"))
    True
    """
    return any(
        part.lower() in CLUTTER or (part.startswith(".") and part != "..") for part in path.parts
    )
