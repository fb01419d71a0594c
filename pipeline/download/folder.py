"""The protocol ``folder:``: a folder, packed as a .tar.

The bytes depend on the names and contents of its files alone, so one hash pins a folder, and DVC
keeps one file, not 50,000. Times, owners and modes are not kept; what file managers leave is left
out.
"""

import hashlib
import itertools
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pipeline.core.files import is_clutter
from pipeline.download.body import Body, FetchError, Protocol, local_path, open_file, reason

BLOCK = tarfile.BLOCKSIZE
CHUNK = 1 << 20
TOO_MANY = "holds more than {:,} files and folders; pack it yourself, as a .tar"
MOST_FILES = 1_000_000
"""Files and folders in a folder, as many as ``extract.max_members`` takes."""


class PackingError(Exception):
    """The reason why a folder cannot be packed, in a few words."""


class Member(NamedTuple):
    """A file: its path below the folder, with slashes, and its length in bytes."""

    name: str
    length: int


def members(folder: Path) -> list[Member]:
    """Return the files below a folder, sorted by name; links to files in it count as files.

    Raises
    ------
    PackingError
        If there are none or too many, or there is no such folder, or one cannot be read or holds a
        link to a folder, which may lead in circles, a link to a file outside, or a device.
    """
    if not folder.is_dir():
        raise PackingError("no such folder")
    root = os.path.realpath(folder)
    packed: list[Member] = []
    left = [""]
    while left:
        below = left.pop()
        for entry in _entries(folder, below):
            name = below + entry.name
            if is_clutter(Path(entry.name)):
                continue
            if entry.is_dir(follow_symlinks=False):
                left.append(f"{name}/")
            else:
                packed.append(Member(name, _length(entry, root)))
        if len(packed) + len(left) > MOST_FILES:
            raise PackingError(TOO_MANY.format(MOST_FILES))
    if not packed:
        raise PackingError("holds no files")
    return sorted(packed)


def _entries(folder: Path, below: str) -> list[os.DirEntry[str]]:
    """Return what a folder holds, unless it is deeper than a path can be, or that is too much."""
    try:
        with os.scandir(folder / below) as entries:
            found = list(itertools.islice(entries, MOST_FILES + 1))
    except OSError as error:
        raise PackingError(f"{folder / below} cannot be read ({reason(error)})") from None
    if len(found) > MOST_FILES:
        raise PackingError(TOO_MANY.format(MOST_FILES))
    return found


def _length(entry: os.DirEntry[str], root: str) -> int:
    """Return a file's length; refuse what is none, or leads out of the folder ``root``."""
    is_link, place = entry.is_symlink(), Path(entry.path)
    if is_link and place.is_dir():
        raise PackingError(f"{place} is a link to a folder; put the folder there")
    if not place.is_file():  # no entry's method, which fails at a link to itself
        raise PackingError(f"{place} is no plain file, or leads to none; remove it")
    if is_link and not os.path.realpath(place).startswith(f"{root}{os.sep}"):
        raise PackingError(f"{place} is a link to a file outside the folder; copy the file there")
    return entry.stat().st_size


def length(members: Sequence[Member]) -> int:
    """Return the archive's length in bytes."""
    return 2 * BLOCK + sum(
        len(_header(member)) + member.length + -member.length % BLOCK for member in members
    )


def pack(folder: Path, members: Sequence[Member]) -> Iterator[bytes]:
    """Yield the archive's bytes, piece by piece.

    Raises
    ------
    PackingError
        If a file's length is not what ``members`` returned, or its name is no Unicode text.
    """
    for member in members:
        yield _header(member)
        left = member.length
        with open_file(folder / member.name) as file:
            while left >= 0 and (chunk := file.read(CHUNK)):
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


def has_changed(url: str, sha256: str, total: int | None) -> bool:
    """Return True if a folder is there and would be packed as other bytes than the pinned ones.

    Parameters
    ----------
    url : str
    sha256 : str
        The pinned hash.
    total : int, optional
        The pinned length, by which most changes show without the files being read.
    """
    folder = path(url)
    if not folder.is_dir():
        return False
    try:
        inside = members(folder)
        if total not in (None, length(inside)):
            return True
        digest = hashlib.sha256()
        for chunk in pack(folder, inside):
            digest.update(chunk)
    except (PackingError, FetchError, OSError):
        return True
    return digest.hexdigest() != sha256


def path(url: str) -> Path:
    """Return the folder that a URL names."""
    return local_path(url)


@contextmanager
def open_url(url: str, _start: int = 0, _etag: str | None = None) -> Iterator[Body]:
    """Yield the folder's .tar from its start; raises FetchError if it cannot be packed."""
    folder = path(url)
    try:
        inside = members(folder)
        yield Body(pack(folder, inside), length(inside))
    except PackingError as error:
        raise FetchError(str(error)) from None
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(folder):
            raise
        raise FetchError(f"{reason(error)}: {error.filename}") from None


PROTOCOL = Protocol(
    r"folder:(///)?[^/].*", "folder:PATH or folder:///PATH", open_url, is_watched=False
)
