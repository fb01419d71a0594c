"""Limits and filter of an archive's members.

Archives may come from strangers. Names that lead out of a folder, links, devices, encrypted
members, repeated names and anything above the limits are refused by name. What is hidden or left
by programs (``.DS_Store``, ``__MACOSX/``, ``Thumbs.db``) is left out.

All readers share one budget: the user's ``Limits``, and beside them what an archive's own length
allows, which is no more than its content could need.
"""

import fnmatch
import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PureWindowsPath
from typing import NamedTuple, NoReturn, Self

from pipeline.core.errors import DataError, shown
from pipeline.core.files import CLUTTER, is_clutter

REMOVE = "remove it from the archive"
RAISE = "if that is as it should be, raise the limit in params.yaml"
UNLOCK = "that takes a password: unpack it, and pack it again without one"
NAME = "say how its names are encoded (extract.names_encoding, or --names-encoding)"
SPARSE = "pack it again without its holes (tar without --sparse)"

SMALL = 256 << 20
"""Bytes up to which an archive's members may be any multiple of its own length."""
FEW = 50_000
"""Members that an archive of any length may have."""
PER_MEMBER = 20_000
"""Bytes that are allowed for each member, where they are more than ``FEW``: with a ratio of 200, an
archive has at least 100 bytes of its own for each."""
LONGEST_NAME = 4096
"""Characters: the longest path on Linux has as many bytes."""
HEADERS = 8 << 20
"""Bytes up to which the headers of an archive may be any multiple of its length; above, twice."""

Members = Iterator[tuple[str, bytes]]
"""Names and contents of an archive's members, in the archive's order."""


class Limits(NamedTuple):
    """Upper bounds on what an archive may hold."""

    total_bytes: int
    """Bytes of all members together."""
    member_bytes: int
    """Bytes of one member."""
    members: int = 1_000_000
    ratio: int = 200
    """Bytes of all members, as a multiple of the archive's, where they are more than ``SMALL``."""


class Entry(NamedTuple):
    """A member as its header declares it."""

    name: str
    kind: str
    """``"file"``, ``"folder"``, or what else it is, in words for an error message."""
    length: int
    """Bytes of its content, before it is decompressed."""


class _Place(NamedTuple):
    """Where a name leads."""

    is_absolute: bool
    leads_out: bool
    is_clutter: bool
    is_nameless: bool

    @classmethod
    def of(cls, name: str) -> Self:
        path = PureWindowsPath(name)  # knows slashes of both kinds, drives and network paths
        return cls(bool(path.anchor), ".." in path.parts, is_clutter(path), not path.name)


class MemberFilter:
    """The choice of an archive's members, which refuses the whole archive over a hostile one.

    Of each accepted member the name is kept, as bytes among all others', and its hash: a set of
    strings would take several times as much memory.

    Parameters
    ----------
    path : Path
        The archive, for messages.
    pattern : str or sequence of str
        Shell-style and case-sensitive; ``*`` also matches ``/``. Of several, one must match.
    limits : Limits
    length : int
        Bytes of the archive.
    encoding : str, optional
        The encoding of names of which the archive does not say it.
    others : dict, optional
        Gets the names of the files that no pattern matches, with their bytes, and those of folders,
        which end in a slash.
    within : str
        What stands before every name, for patterns and ``others``.
    """

    def __init__(
        self,
        path: Path,
        pattern: str | Sequence[str],
        limits: Limits,
        length: int,
        encoding: str | None = None,
        others: dict[str, int] | None = None,
        within: str = "",
    ) -> None:
        self.path = path
        patterns = [pattern] if isinstance(pattern, str) else pattern
        # One expression for all is quicker; without a pattern, one that never matches.
        self.matches = re.compile("|".join(map(fnmatch.translate, patterns)) or "(?!)").match
        self.limits = limits
        self.encoding = encoding
        self.others = others
        self.within = within
        self.length = length
        self.most_bytes = max(SMALL, limits.ratio * length)
        self.most_members = max(FEW, limits.ratio * length // PER_MEMBER)
        self.most = min(limits.members, self.most_members)
        """Members that there may be."""
        self.folder, self.place = "", _Place.of("")
        self.names = bytearray()
        self.hashes = array("q")
        self.count = 0
        self.total = 0
        self.headers = 0

    def accepts(self, entry: Entry) -> bool:
        """Return whether the pattern wants a member; call it once for each, in order.

        Raises
        ------
        DataError
            If the member's name, kind or declared length is refused.
        """
        name = entry.name.removeprefix("./")
        if len(name) > LONGEST_NAME:
            self._refuse(entry, f"its name has more than {LONGEST_NAME:,} characters")
        if (not name.isascii() and name.encode(errors="replace").decode() != name) or "\0" in name:
            self._refuse(entry, f"its name is no {self.encoding or 'Unicode'} text", NAME)
        place = self._place(name)
        if place.is_absolute:
            self._refuse(entry, "its name is an absolute path")
        if place.leads_out:
            self._refuse(entry, "its name leads out of the archive's folder (..)")
        if entry.length < 0:
            self._refuse(entry, "its length is negative")
        self._count(entry)
        if entry.kind == "folder" or place.is_clutter:
            if not place.is_clutter:
                self._note(f"{name.rstrip('/')}/", 0)
            return False
        if not self.matches(self.within + name):
            self._note(name, entry.length)
            return False
        if place.is_nameless:
            self._refuse(entry, "it has no name")
        if entry.kind != "file":
            remedy = {"encrypted": UNLOCK, "a sparse file": SPARSE}.get(entry.kind, REMOVE)
            self._refuse(entry, f"it is {entry.kind}, not a plain file", remedy)
        if entry.length > self.limits.member_bytes:
            limit = f"{self.limits.member_bytes:,} (extract.max_member_bytes)"
            self._refuse(entry, f"it has {entry.length:,} bytes, above {limit}", RAISE)
        self.names += name.encode() + b"\0"
        self.hashes.append(hash(name))
        return True

    def expect(self, count: int) -> None:
        """Refuse a table of more members than there may be, before it is read.

        Raises
        ------
        DataError
            Naming the limit.
        """
        for most, what in self._most_members():
            if count > most:
                raise DataError(f"{self.path}: has more than {most:,} {what}; {RAISE}")

    def add_headers(self, length: int) -> None:
        """Count the bytes of headers, beside the names and sizes, that are to be read.

        Raises
        ------
        DataError
            If they are more than an archive of this length may have.
        """
        self.headers += length
        most = max(HEADERS, 2 * self.length)
        if self.headers > most:
            raise DataError(f"{self.path}: has more than {most:,} bytes of headers; fetch it again")

    def refuse_repeated(self) -> None:
        """Refuse a name that two accepted members have; call it after the last member.

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

    def _note(self, name: str, length: int) -> None:
        """Remember a member that is not wanted."""
        if self.others is not None:
            self.others[self.within + name] = length

    def _place(self, name: str) -> "_Place":
        """Return where a name leads: that of its folder, where most members share one."""
        folder, base = name[: name.rfind("/") + 1], name[name.rfind("/") + 1 :]
        if base[:1] in ("", ".") or "\\" in name or ":" in base:
            return _Place.of(name)
        if folder != self.folder:
            self.folder, self.place = folder, _Place.of(folder)
        if base.lower() in CLUTTER:
            return self.place._replace(is_clutter=True)
        return self.place._replace(is_nameless=False) if self.place.is_nameless else self.place

    def _most_members(self) -> tuple[tuple[int, str], ...]:
        return (
            (self.limits.members, "members (extract.max_members)"),
            (self.most_members, "members, far more than so few bytes hold (extract.max_ratio)"),
        )

    def _count(self, entry: Entry) -> None:
        """Count a member, wanted or not, against the limits."""
        self.count += 1
        self.total += entry.length
        if (
            self.count <= self.most
            and self.total <= min(self.limits.total_bytes, self.most_bytes)
        ):  # fmt: skip
            return
        for value, most, what in (
            *((self.count, most, what) for most, what in self._most_members()),
            (self.total, self.limits.total_bytes, "bytes (extract.max_bytes)"),
            (self.total, self.most_bytes, "bytes, far more than its own (extract.max_ratio)"),
        ):
            if value > most:
                self._refuse(entry, f"with it the archive is above {most:,} {what}", RAISE)

    def _refuse(self, entry: Entry, reason: str, remedy: str = REMOVE) -> NoReturn:
        name = shown(repr(entry.name[:LONGEST_NAME]), 200)
        raise DataError(f"{self.path}: member {name} is refused: {reason}; {remedy}")
