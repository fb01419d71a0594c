"""Zip files: their members as a stream."""

import bz2
import lzma
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

from pipeline.archives import names, pieces, streams, zip_table
from pipeline.archives.limits import Entry, MemberFilter, Members
from pipeline.core.errors import DataError, shown

LOCAL = struct.Struct("<4s5H3L2H")
"""A member's own header: its signature, …, lengths of name and extra fields. Source: APPNOTE.TXT,
4.3.7."""
LOCAL_SIGNATURE = b"PK\x03\x04"
STORED, DEFLATE, BZIP2, LZMA = 0, 8, 12, 14
"""Methods. Others are not read."""
ENCRYPTED, PATCHED, STRONGLY_ENCRYPTED = 0x1, 0x20, 0x40
"""Flags of a member."""


def read(path: Path, member_filter: MemberFilter) -> Members:
    """Yield (name, content) of every accepted member, in the order of the archive's table.

    Backslashes in names are taken for slashes, which tools of Windows write them for.

    Raises
    ------
    DataError
        If a member is refused, before anything is decompressed, or the archive is the last of
        several pieces.
    NotImplementedError
        If a member is compressed by a method that is not read here.
    Exception
        If the archive is damaged.
    """
    with pieces.opened(path) as file, pieces.opened(path) as table:
        directory = _found(file, path)
        member_filter.expect(directory.members)
        member_filter.expect(zip_table.count(table, directory, member_filter.most))
        encoding = member_filter.encoding
        # A byte a member; the table is read once more for the contents.
        wanted = bytearray(
            member_filter.accepts(_entry(member, encoding))
            for member in zip_table.members(table, directory)
        )
        member_filter.refuse_repeated()
        left = member_filter.length
        for is_wanted, member in zip(wanted, zip_table.members(table, directory), strict=True):
            if is_wanted:
                left -= member.packed
                if left < 0:  # a byte would be decompressed again for each member
                    raise BadZipFile("its members overlap")
                name = _name(member, encoding)
                yield name, _content(file, member, name)


def unsaid_names(path: Path) -> Iterator[bytes]:
    """Yield the name of every member of which the archive does not say how it is encoded.

    Raises
    ------
    Exception
        If the archive is damaged, or is no .zip.
    """
    with pieces.opened(path) as file:
        for member in zip_table.members(file, _found(file, path)):
            if member.unicode_name() is None:
                yield member.raw_name


def _found(file: IO[bytes], path: Path) -> zip_table.Directory:
    try:
        return zip_table.find(file)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _name(member: zip_table.Member, encoding: str | None) -> str:
    """Return a member's name, with slashes."""
    name = member.unicode_name()
    if name is None:
        name = names.decoded(member.raw_name, encoding or names.ZIP)
    return name.replace("\\", "/")


def _entry(member: zip_table.Member, encoding: str | None) -> Entry:
    name = _name(member, encoding)
    unix_type = stat.S_IFMT(member.attributes >> 16)
    if name.endswith("/"):
        kind = "folder"
    elif member.flags & (ENCRYPTED | STRONGLY_ENCRYPTED):
        kind = "encrypted"
    elif unix_type == stat.S_IFLNK:
        kind = "a link"
    elif unix_type not in (0, stat.S_IFREG):
        kind = "a device or socket"
    else:
        kind = "file"
    return Entry(name, kind, member.length)


def _content(file: IO[bytes], member: zip_table.Member, name: str) -> bytes:
    """Read a member, as long as its table says, and verify its checksum."""
    file.seek(member.begin)
    signature, *_, name_length, extra_length = LOCAL.unpack(file.read(LOCAL.size))
    if signature != LOCAL_SIGNATURE or file.read(name_length) != member.raw_name:
        raise BadZipFile(f"the header of {shown(name)!r} is not the one of the table")
    file.seek(extra_length, 1)
    content = b"".join(_decompressed(file, member))
    if len(content) < member.length:
        raise EOFError(f"{shown(name)!r} ends too early")
    if zlib.crc32(content) != member.checksum:
        raise BadZipFile(f"Bad CRC-32 for file {shown(name)!r}")
    return content


def _decompressed(file: IO[bytes], member: zip_table.Member) -> Iterator[bytes]:
    packed, length = member.packed, member.length
    if member.flags & PATCHED or member.method not in (STORED, DEFLATE, BZIP2, LZMA):
        raise NotImplementedError("That compression method is not supported")
    if member.method == STORED:
        return streams.stored(file, min(packed, length))
    if member.method == DEFLATE:
        return streams.limited(file, packed, streams.Inflate(-zlib.MAX_WBITS), length)
    if member.method == BZIP2:
        return streams.limited(file, packed, bz2.BZ2Decompressor(), length)
    # Two bytes of a version, and two of the properties' length.
    size = int.from_bytes(file.read(4)[2:], "little")
    filters = [streams.lzma_filter(file.read(min(size, 5)), length)]
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    return streams.limited(file, packed - 4 - size, decompressor, length)
