"""Files: hashes, canonical JSON, and outputs that appear only when they are complete."""

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path, PurePath
from typing import Any, BinaryIO, TextIO, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.core import limits, places, resumed
from pipeline.core.errors import DataError, PipelineError, one_line, shown
from pipeline.core.places import make_folder, remove
from pipeline.core.resumed import beside

LONGEST_TEXT = 64 << 20
"""Bytes of a file that is read whole."""
LONGEST_RECORD = 16 << 20
"""Bytes of a file that ``read_record`` reads."""
MOST_KEYS = 100_000
"""Of a mapping in such a file. A fault of each takes memory, of 500 bytes and more."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Errors of a full disk, quota or limit."""
CLUTTER = {
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "lost+found"),
    *("system volume information", "@eadir", "@recycle", "#recycle", "__pycache__"),
}
"""Names in lower case that file managers and file servers leave, beside hidden ones (``.NAME``)."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def megabytes(*paths: Path) -> str:
    """Return the length of files, and of all files in folders, together, such as ``"1.2 MB"``."""
    entries = [entry for path in paths for entry in ([path] if path.is_file() else path.rglob("*"))]
    return f"{sum(entry.stat().st_size for entry in entries if entry.is_file()) / 1e6:,.1f} MB"


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
    """Yield a path to write to; rename it to ``path`` if the body succeeds, else remove it.

    There is an empty file already, under a name of its own; see ``places``.
    """
    with places.temporary(path) as held:
        with writing(path):
            yield held.path
        held.path.replace(path)


@contextmanager
def new_bytes(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file to write bytes to, which appears as ``path`` if the body succeeds."""
    with new_file(path) as work, work.open("wb") as file:
        yield file


@contextmanager
def new_table(path: Path) -> Iterator[TextIO]:
    """Yield a new file for ``csv``, which appears as ``path`` if the body succeeds."""
    with new_file(path) as work, work.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def new_folder(
    path: Path,
    *,
    resume: Callable[[str], bool] | None = None,
    refuse: Callable[[Path], None] | None = None,
) -> Iterator[Path]:
    """Yield a folder to fill; rename it to ``path`` if the body succeeds, else remove it.

    A folder that stood at ``path`` is replaced as a whole. The yielded folder is empty. With
    ``resume`` it holds what an interrupted call left, and it stays if the body is interrupted in
    turn. After a ``PipelineError`` it is removed all the same, since damaged data are no start.

    Parameters
    ----------
    path : Path
    resume : callable, optional
        Go on where a call was interrupted. It tells by its name whether a file is of this work.
    refuse : callable, optional
        Raises an error if the folder at ``path`` must not be replaced.

    Raises
    ------
    DataError
        If ``path`` is a link or no folder, or is reached by a link, or the folder of an interrupted
        call holds what the project did not write.
    """
    if resume is None:
        with places.temporary(path, folder=True) as held:
            with writing(path):
                yield held.path
            places.put(held.path, path, refuse)
        return
    work = beside(path)
    resumed.claim(work, resume)
    try:
        with writing(path):
            yield work
        remove(work / resumed.MARK)
        places.put(work, path, refuse)
    except PipelineError:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path``, which is removed after the body."""
    with places.temporary(path, folder=True) as held:
        yield held.path


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


def open_regular(path: Path) -> BufferedReader:
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
    there = os.fstat(descriptor)
    with suppress(BlockingIOError):  # of a file in /proc that waits, as a device does
        if stat.S_ISREG(there.st_mode):
            os.pread(descriptor, not there.st_size, 0)
            return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise DataError(f"{path} is no plain file, but a folder, FIFO or device; remove it")


def read_bytes(path: Path, longest: int = LONGEST_TEXT, remedy: str = "remove it") -> bytes:
    """Read a plain file whole; raises DataError if it is none, or longer than that many bytes."""
    with open_regular(path) as file:
        content = file.read(longest + 1)
    if len(content) > longest:
        raise DataError(f"{path} is longer than {longest >> 20} MiB; {remedy}")
    return content


def read_text(path: Path) -> str:
    """Read a plain file of UTF-8 with its line ends; raises DataError if it is something else."""
    with one_line(path, "mend it"):
        return read_bytes(path).decode()


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write bytes, complete or not at all."""
    with new_file(path) as work:
        work.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 with Unix line ends, complete or not at all."""
    with new_file(path) as work:
        work.write_text(text, encoding="utf-8", newline="\n")


def copy(source: Path, path: Path) -> None:
    """Copy a plain file's content, complete or not at all."""
    with open_regular(source) as file, new_bytes(path) as target:
        shutil.copyfileobj(file, target, 1 << 20)


def link(path: Path, target: Path) -> None:
    """Make a link at ``path`` that leads to ``target``."""
    make_folder(path.parent)
    path.symlink_to(target)


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


M = TypeVar("M", bound=BaseModel)


def read_record(path: Path, model: type[M], remedy: str) -> M:
    """Read a JSON file that a stage wrote, as a validated model.

    Parameters
    ----------
    path : Path
    model : type
        Strict, and without unknown keys.
    remedy : str
        The end of the message, such as ``decode again (dvc repro)``.

    Raises
    ------
    DataError
        If the file is missing, is not JSON, is longer than ``LONGEST_RECORD``, or is not what the
        model describes; with the first fault.
    """
    try:
        content = read_bytes(path, LONGEST_RECORD, remedy)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the stage that writes it (dvc repro)") from None
    try:
        json.loads(content, object_pairs_hook=_mapping)
        return model.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = shown(".".join(map(str, fault["loc"])))
        reason = shown(fault["msg"].removeprefix("Value error, "), 300)
        where = f"{path}: {place}" if place else path
        raise DataError(f"{where}: {reason}; {remedy}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON ({shown(str(error))}); {remedy}") from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; raise ValueError if it has too many keys, or one twice."""
    value = dict(pairs)
    if len(pairs) > MOST_KEYS or len(value) < len(pairs):
        raise ValueError("an object has too many keys, or one twice")
    return value


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
