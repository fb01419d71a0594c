"""Packing: a folder as a .tar, whose bytes depend on the names and contents of its files alone.

So a folder has one hash that pins it, and DVC keeps one file, not 50,000. Neither times, owners nor
modes are kept; what file managers leave is left out.
"""

import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from pipeline.core.files import is_clutter
from pipeline.download import folder
from pipeline.download.body import Body, FetchError, reason

BLOCK = tarfile.BLOCKSIZE


CHUNK = 1 << 20


class PackingError(Exception):
    """Why a folder cannot be packed, in a few words."""


class Member(NamedTuple):
    """A file: its path below the folder, with slashes, and its length in bytes."""

    name: str
    length: int


def members(folder: Path) -> list[Member]:
    """The files below a folder, sorted by name; links to files count as files.

    Raises
    ------
    PackingError
        If there are none, there is no such folder, or one holds a link to a folder, which may lead
        in circles, or a device.
    """
    if not folder.is_dir():
        raise PackingError("no such folder")
    found = []
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        folders[:] = [name for name in folders if not is_clutter(Path(name))]
        for name in folders:
            if (here / name).is_symlink():
                raise PackingError(f"{here / name} is a link to a folder; put the folder there")
        for path in (here / name for name in names if not is_clutter(Path(name))):
            if not path.is_file():
                raise PackingError(f"{path} is no plain file, or leads to none; remove it")
            found.append(Member(path.relative_to(folder).as_posix(), path.stat().st_size))
    if not found:
        raise PackingError("holds no files")
    return sorted(found)


def length(members: Sequence[Member]) -> int:
    """Bytes of the archive."""
    return 2 * BLOCK + sum(
        len(_header(member)) + member.length + -member.length % BLOCK for member in members
    )


def pack(folder: Path, members: Sequence[Member]) -> Iterator[bytes]:
    """The archive's bytes, piece by piece.

    Raises
    ------
    PackingError
        If a file changed its length since ``members`` saw it, or its name is no Unicode text.
    """
    for member in members:
        yield _header(member)
        left = member.length
        with (folder / member.name).open("rb") as file:
            while chunk := file.read(CHUNK):
                left -= len(chunk)
                yield chunk
        if left:
            raise PackingError(f"{folder / member.name} changed while it was read")
        yield bytes(-member.length % BLOCK)
    yield bytes(2 * BLOCK)


def _header(member: Member) -> bytes:
    info = tarfile.TarInfo(member.name)
    info.size = member.length
    try:
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
    except UnicodeEncodeError:
        raise PackingError(f"the name of {member.name!r} is no Unicode text; rename it") from None


@contextmanager
def open_folder(url: str) -> Iterator[Body]:
    path = Path(unquote(url.removeprefix("folder:").removeprefix("//")))
    try:
        members = folder.members(path)
        yield Body(folder.pack(path, members), folder.length(members))
    except folder.PackingError as error:
        raise FetchError(str(error)) from None
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(path):
            raise
        raise FetchError(f"{reason(error)}: {error.filename}") from None
