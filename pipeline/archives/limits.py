"""Admission: the gate that every member of an archive must pass.

Archives are data from strangers: names that lead out of a folder, links, devices, encrypted
members, duplicates and anything above the limits are refused by name. What file managers leave
(``.DS_Store``, ``__MACOSX/``, ``Thumbs.db``) is not wanted.
"""

import fnmatch
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PureWindowsPath
from typing import NamedTuple, NoReturn

from pipeline.core.errors import DataError
from pipeline.core.files import is_left

REMOVE = "remove it from the archive"


RAISE = "if that is as it should be, raise the limit in params.yaml"


SMALL = 256 << 20
"""Bytes up to which an archive may hold any multiple of its own."""


Members = Iterator[tuple[str, bytes]]
"""Names and contents of an archive's members, in its order."""


class Limits(NamedTuple):
    """What an archive may hold."""

    total_bytes: int
    """Of all its members together."""
    member_bytes: int
    """Of one of them."""
    members: int = 1_000_000
    ratio: int = 200
    """Bytes of all its members, as a multiple of its own, where they are more than ``SMALL``."""


class Entry(NamedTuple):
    """A member as the archive's table declares it; ``kind`` is ``"file"`` if it is a plain one."""

    name: str
    kind: str
    length: int


class Gate:
    """Decides which members are wanted and refuses the whole archive over a hostile one.

    Of each wanted member its name is kept, as bytes among all others', and its hash: a set of texts
    would need several times as much memory.
    """

    def __init__(self, path: Path, pattern: str, limits: Limits, length: int) -> None:
        self.path = path
        self.pattern = pattern
        self.limits = limits
        self.most_bytes = max(SMALL, limits.ratio * length)
        self.names = bytearray()
        self.hashes = array("q")
        self.count = 0
        self.total = 0

    def admit(self, entry: Entry) -> bool:
        """Whether the entry is wanted; see ``refuse_repeated``.

        Raises
        ------
        DataError
            If its name, kind or declared length is refused.
        """
        name = entry.name.removeprefix("./")
        path = PureWindowsPath(name)  # knows slashes of both kinds, drives and network paths
        if "\0" in name or name.encode(errors="replace").decode() != name:
            self._refuse(entry, "its name is no Unicode text")
        if path.anchor:
            self._refuse(entry, "its name is an absolute path")
        if ".." in path.parts:
            self._refuse(entry, "its name leads out of the archive's folder (..)")
        if entry.length < 0:
            self._refuse(entry, "its length is negative")
        self._count(entry)
        if entry.kind == "folder" or not fnmatch.fnmatchcase(name, self.pattern):
            return False
        if is_left(path):
            return False
        if not path.name:
            self._refuse(entry, "it has no name")
        if entry.kind != "file":
            self._refuse(entry, f"it is {entry.kind}, not a plain file")
        if entry.length > self.limits.member_bytes:
            limit = f"{self.limits.member_bytes:,} (extract.max_member_bytes)"
            self._refuse(entry, f"it has {entry.length:,} bytes, above {limit}", RAISE)
        self.names += name.encode() + b"\0"
        self.hashes.append(hash(name))
        return True

    def refuse_repeated(self) -> None:
        """Refuse a wanted member's name that stands there twice; for when all were admitted.

        Raises
        ------
        DataError
            Naming the first such member.
        """
        if all(one != other for one, other in pairwise(sorted(self.hashes))):
            return
        seen: set[str] = set()
        for name in self.names.decode().split("\0")[:-1]:
            if name in seen:
                self._refuse(Entry(name, "file", 0), "its name stands there twice")
            seen.add(name)

    def _count(self, entry: Entry) -> None:
        """Count every member, wanted or not, against the limits."""
        self.count += 1
        self.total += entry.length
        for value, most, what in (
            (self.count, self.limits.members, "members (extract.max_members)"),
            (self.total, self.limits.total_bytes, "bytes (extract.max_bytes)"),
            (self.total, self.most_bytes, "bytes, far more than its own (extract.max_ratio)"),
        ):
            if value > most:
                self._refuse(entry, f"with it the archive is above {most:,} {what}", RAISE)

    def _refuse(self, entry: Entry, reason: str, remedy: str = REMOVE) -> NoReturn:
        raise DataError(f"{self.path}: member {entry.name!r} is refused: {reason}; {remedy}")
