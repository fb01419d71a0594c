"""Files in the .7z format: their members as a stream.

``py7zr`` parses tables without bounds that hold for all of them, and its own extraction asks for
free memory and sanitizes a path for every member. So the table is parsed here, and the members are
decompressed here: a block in a thread, a megabyte at a time, while members are cut out of the
megabyte before.
"""

import zlib
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

from pipeline.archives import pieces
from pipeline.archives.limits import Entry, MemberFilter, Members
from pipeline.archives.seven_zip import blocks, table
from pipeline.archives.seven_zip.cursor import UNKNOWN, DamagedError
from pipeline.core.errors import shown

SMALL_TABLE, LARGEST_TABLE = 16 << 20, 256 << 20
"""Bytes of a table that is compressed: up to the first in any archive, up to the second if the
archive itself has a twentieth of them."""
RATIO = 20


def read(path: Path, member_filter: MemberFilter) -> Members:
    """Yield (name, content) of every accepted member, in the archive's order.

    Raises
    ------
    DataError
        If a member is refused, before anything is decompressed.
    NotImplementedError
        If it is encrypted, or compressed by a method that is not read here, or needs too much
        memory.
    Exception
        If the archive is damaged.
    """
    with pieces.opened(path) as file, ExitStack() as open_block:
        members = _table(file, member_filter.most)
        encrypted = {
            number
            for number, block in enumerate(members.blocks)
            if blocks.ENCRYPTION in block.methods
        }
        # A byte a member.
        wanted = bytearray(
            member_filter.accepts(_entry(member, encrypted)) for member in members.members()
        )
        member_filter.refuse_repeated()
        needed = {
            member.block
            for member, is_wanted in zip(members.members(), wanted, strict=True)
            if is_wanted
        }
        number, block = UNKNOWN, None
        for member, is_wanted in zip(members.members(), wanted, strict=True):
            if member.block == UNKNOWN:
                if is_wanted:
                    yield member.name, b""
                continue
            if member.block not in needed:
                continue
            if block is None or number != member.block:
                open_block.close()
                number = member.block
                block = open_block.enter_context(closing(blocks.Open(file, members.blocks[number])))
            if not is_wanted:
                block.skip(member.length)
                continue
            content = block.read(member.length)
            if member.checksum not in (UNKNOWN, zlib.crc32(content)):
                raise DamagedError(f"checksum of {shown(member.name)!r} does not match")
            yield member.name, content


def _table(file: IO[bytes], most: int) -> table.Table:
    """Read the table of members, which may be compressed, but once."""
    raw, length = table.begin(file)
    block = table.encoded(raw, length, most)
    if block is not None:
        if blocks.ENCRYPTION in block.methods:
            raise NotImplementedError("its table of members is encrypted")
        allowed = max(SMALL_TABLE, min(LARGEST_TABLE, RATIO * length))
        if block.length > allowed:
            raise DamagedError(f"its table has {block.length:,} bytes, above {allowed:,}")
        file.seek(block.begin)
        raw = b"".join(blocks.decoded(file, block))
        if len(raw) < block.length or block.checksum not in (UNKNOWN, zlib.crc32(raw)):
            raise DamagedError("invalid block data")
    return table.parse(raw, length, most)


def _entry(member: table.Member, encrypted: set[int]) -> Entry:
    is_encrypted = member.kind == "file" and member.block in encrypted
    return Entry(member.name, "encrypted" if is_encrypted else member.kind, member.length)
