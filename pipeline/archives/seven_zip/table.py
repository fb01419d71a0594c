"""The table of a .7z, at its end: its blocks, and the members in them.

A member takes a few bytes, where ``py7zr`` takes a kilobyte. Source: 7zFormat.txt of the LZMA SDK.
"""

import stat
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from pipeline.archives.seven_zip.contents import Block, Streams
from pipeline.archives.seven_zip.cursor import UNKNOWN, Cursor, DamagedError

SIGNATURE = b"7z\xbc\xaf\x27\x1c"
START = struct.Struct("<6sBBLQQL")
"""Signature, version, checksum of what follows: where the table begins, its length and checksum."""
CHECKED = 12
"""Position of what that checksum is of."""
END, HEADER, STREAMS, FILES, EMPTY, NAMES, ATTRIBUTES, ENCODED = 0, 1, 4, 5, 14, 17, 21, 23
"""What stands in a table, by its first byte."""
OTHERS = {15, 16, 18, 19, 20, 22, 24, 25}
"""Properties of members that are of no concern: times, comments, padding."""
UNIX, REPARSE_POINT, FOLDER = 0x8000, 0x400, 0x10
"""Flags of a member's attributes; of Unix, its mode stands in their upper half."""


class Member(NamedTuple):
    """A member as the table has it."""

    name: str
    kind: str
    """As ``limits.Entry`` has it."""
    block: int
    """Number of its block; ``UNKNOWN`` for one without content."""
    length: int
    checksum: int


class Table(NamedTuple):
    """Blocks and members of an archive."""

    blocks: Sequence[Block]
    parts: "array[int]"
    """Members of each block."""
    lengths: "array[int]"
    """Bytes of each member that has content."""
    checksums: "array[int]"
    empty: bytes
    """For each member, 1 if it has no content."""
    names: str
    """Each ends with a NUL."""
    attributes: "array[int]"

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.empty)

    def members(self) -> Iterator[Member]:
        """Yield every member, in the archive's order."""
        at, number = 0, 0
        blocks = (block for block, count in enumerate(self.parts) for _ in range(count))
        for empty, attributes in zip(self.empty, self.attributes, strict=True):
            if self.names:
                end = self.names.index("\0", at)
                name, at = self.names[at:end], end + 1
            else:  # of what was no file when it was packed
                name = "contents"
            if empty:
                yield Member(name, _kind(attributes), UNKNOWN, 0, UNKNOWN)
                continue
            yield Member(
                name,
                _kind(attributes),
                next(blocks),
                self.lengths[number],
                self.checksums[number],
            )
            number += 1


def begin(file: IO[bytes]) -> tuple[bytes, int]:
    """Return the table as it stands in the file, and the file's length.

    Raises
    ------
    DamagedError
        If there is none, or it does not have its checksum.
    """
    length = file.seek(0, 2)
    file.seek(0)
    start = file.read(START.size)
    if len(start) < START.size or not start.startswith(SIGNATURE):
        raise DamagedError("not a 7z file")
    _, _, _, checksum, place, size, table_checksum = START.unpack(start)
    if zlib.crc32(start[CHECKED:]) != checksum or START.size + place + size > length:
        raise DamagedError("invalid header data")
    file.seek(START.size + place)
    table = file.read(size)
    if zlib.crc32(table) != table_checksum:
        raise DamagedError("invalid header data")
    return table, length


def encoded(table: bytes, length: int, most: int) -> Block | None:
    """Return the one block in which a table is compressed; None where it is not.

    Parameters
    ----------
    table : bytes
    length : int
        Bytes of the file, within which the block must lie.
    most : int
        Members that the archive may have.
    """
    if table[:1] != bytes([ENCODED]):
        return None
    streams = Streams(Cursor(table, 1, most), length)
    if len(streams.blocks) != 1:
        raise DamagedError("its table is in several blocks")
    return streams.blocks[0]


def parse(table: bytes, length: int, most: int) -> Table:
    """Return the blocks and members of a table that is not compressed; else as above.

    Raises
    ------
    DamagedError
        If it is damaged; also IndexError, ValueError or OverflowError.
    """
    cursor = Cursor(table, 0, most)
    if not table:
        return Table([], array("Q"), array("Q"), array("q"), b"", "", array("I"))
    if cursor.byte() != HEADER:
        raise DamagedError("its table is of an unknown kind")
    kind = cursor.byte()
    streams = None
    if kind == STREAMS:
        streams = Streams(cursor, length)
        kind = cursor.byte()
    empty, names, attributes = b"", "", array("I")
    if kind == FILES:
        empty, names, attributes = _files(cursor)
        kind = cursor.byte()
    if kind != END:
        raise DamagedError("its table is of an unknown kind")
    if streams is None:
        if 0 in empty:
            raise DamagedError("its members have no content")
        return Table([], array("Q"), array("Q"), array("q"), empty, names, attributes)
    if empty.count(0) > len(streams.lengths):
        raise DamagedError("it has more members than contents")
    return Table(
        streams.blocks,
        streams.parts,
        streams.lengths,
        streams.checksums,
        empty,
        names,
        attributes,
    )


def _files(cursor: Cursor) -> "tuple[bytes, str, array[int]]":
    """Return for each member whether it is empty, its name, and its attributes."""
    count = cursor.count()
    empty, names, attributes = bytes(count), "", array("I", [0]) * count
    seen = set()
    while (kind := cursor.byte()) != END:
        body = Cursor(cursor.take(cursor.number()), 0, count)
        if kind in seen and kind not in OTHERS:
            raise DamagedError("its table says something twice")
        seen.add(kind)
        if kind == EMPTY:
            empty = body.flags(count)
        elif kind == NAMES:
            body.expect(0)  # they are here, not elsewhere
            names = str(body.table[1:], "utf-16-le", "surrogatepass").replace("\\", "/")
            if names.count("\0") != count or not names.endswith("\0"):
                raise DamagedError("its names are not as many as its members")
        elif kind == ATTRIBUTES:
            known = body.flags_or_all(count)
            body.expect(0)
            for number, one in enumerate(known):
                if one:
                    attributes[number] = int.from_bytes(body.take(4), "little")
        elif kind not in OTHERS:
            raise DamagedError("its members have an unknown property")
    return empty, names, attributes


def _kind(attributes: int) -> str:
    """Return what a member is; Unix's programs set Windows' attributes too."""
    mode = attributes >> 16 if attributes & UNIX else 0
    if attributes & FOLDER:
        return "folder"
    if stat.S_ISLNK(mode) or (not attributes & UNIX and attributes & REPARSE_POINT):
        return "a link"
    if attributes & UNIX and not stat.S_ISREG(mode):
        return "a device or socket"
    return "file"
