"""The table of a .zip, the central directory at its end: read as a stream, a member at a time.

``zipfile`` reads it whole and keeps a kilobyte for each member, before any can be looked at.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple
from zipfile import BadZipFile

from pipeline.archives import names
from pipeline.core.errors import DataError

END = struct.Struct("<4s4H2LH")
"""The record at the end: signature, number of this piece, number of the piece with the table,
members in this piece, members, bytes of the table, where it begins, a comment's length. Source of
all of these: APPNOTE.TXT of PKWARE, 4.3.7 to 4.3.16."""
END_SIGNATURE = b"PK\x05\x06"
LONGEST_COMMENT = 0xFFFF
LOCATOR = struct.Struct("<4sLQL")
LOCATOR_SIGNATURE = b"PK\x06\x07"
END_64 = struct.Struct("<4sQ2H2L4Q")
"""The record at the end of a large archive (zip64): …, members, bytes of the table, its begin."""
END_64_SIGNATURE = b"PK\x06\x06"
ENTRY = struct.Struct("<4s6H3L5H2L")
"""A member: signature, version that made it, version needed, flags, method, time, date, CRC-32,
compressed and decompressed length, lengths of name, extra fields and comment, piece, attributes of
two kinds, where it begins."""
LENGTHS = struct.Struct("<3H")
"""Of its name, extra fields and comment."""
ENTRY_SIGNATURE = b"PK\x01\x02"
CHUNK = 1 << 20
"""Bytes of the table that are read at a time; more than the longest member in it."""
FULL = 0xFFFFFFFF
"""A number that stands in the extra field of zip64."""
ZIP64, UNICODE_PATH = 0x0001, 0x7075
"""Numbers of the extra fields of zip64, and in which Info-ZIP and WinZip repeat a name in UTF-8."""
LATEST = 63
"""The version of the format, in tenths, that is read here."""
IN_UTF_8 = 0x800
"""Flag of a member whose name is in UTF-8."""


class Directory(NamedTuple):
    """Where a table is."""

    members: int
    """Members that it is said to have; of a small archive, the last 16 bits of their number."""
    begin: int
    end: int
    shift: int
    """Bytes before the archive, which positions in the table do not count."""
    is_large: bool


class Member(NamedTuple):
    """A member as the table has it."""

    raw_name: bytes
    extra: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    """Compressed bytes."""
    length: int
    attributes: int
    begin: int
    """Position of its own header."""

    def unicode_name(self) -> str | None:
        """Return the name if it is in UTF-8, or an extra field gives it so; else None.

        Raises
        ------
        UnicodeDecodeError
            If it is said to be in UTF-8 and is not.
        """
        if self.flags & IN_UTF_8:
            return self.raw_name.decode()
        field = _field(self.extra, UNICODE_PATH)
        # It is of the same name only if it has its checksum.
        same = b"\1" + zlib.crc32(self.raw_name).to_bytes(4, "little")
        if len(field) > len(same) and field.startswith(same):
            return names.decoded(field[len(same) :], "utf-8")
        return None


def find(file: IO[bytes]) -> Directory:
    """Return where the table is.

    Raises
    ------
    zipfile.BadZipFile
        If there is none, or it does not lie within the file.
    DataError
        If the file is the last of several pieces.
    """
    length = file.seek(0, 2)
    start = max(0, length - END.size - LONGEST_COMMENT)
    file.seek(start)
    tail = file.read(END.size + LONGEST_COMMENT)
    at = _end(tail)
    if at < 0 or len(tail) - at < END.size:
        raise BadZipFile("File is not a zip file")
    _, piece, _, _, members, size, begin, _ = END.unpack_from(tail, at)
    if 0 < piece < 0xFFFF:  # zip64 has its number elsewhere
        raise DataError(
            f"is the last of {piece + 1} pieces (.z01 …); join them with: "
            "zip -s 0 NAME.zip --out whole.zip"
        )
    end = start + at
    if (large := _large(file, end)) is not None:
        members, size, begin, end = large
    directory = Directory(members, end - size, end, end - size - begin, large is not None)
    if directory.begin < 0 or directory.shift < 0:
        raise BadZipFile("its table does not lie within the file")
    return directory


def _end(tail: bytes) -> int:
    """Return where the last record begins whose comment ends with the file, or else the last."""
    last = at = tail.rfind(END_SIGNATURE)
    while at >= 0:
        comment = tail[at + END.size - 2 : at + END.size]
        if int.from_bytes(comment, "little") == len(tail) - at - END.size:
            return at
        at = tail.rfind(END_SIGNATURE, 0, at)
    return last


def _large(file: IO[bytes], end: int) -> tuple[int, int, int, int] | None:
    """Return a zip64's number of members, its table's size and begin and end, if it is one."""
    at = end - LOCATOR.size - END_64.size
    if at < 0:
        return None
    file.seek(at)
    record = file.read(END_64.size + LOCATOR.size)
    signature, _, _, pieces = LOCATOR.unpack_from(record, END_64.size)
    if signature != LOCATOR_SIGNATURE or not record.startswith(END_64_SIGNATURE):
        return None
    if pieces > 1:
        raise BadZipFile("it is in several pieces")
    *_, members, size, begin = END_64.unpack_from(record)
    return members, size, begin, at


def count(file: IO[bytes], directory: Directory, most: int) -> int:
    """Return the number of members that there are in truth, of more than ``most`` one more.

    What is damaged is not looked at.
    """
    number, at = 0, directory.begin
    chunk, begin = b"", at
    while at < directory.end and number <= most:
        if at + ENTRY.size > begin + len(chunk):
            file.seek(at)
            chunk, begin = file.read(CHUNK), at
            if len(chunk) < ENTRY.size:
                break
        at += ENTRY.size + sum(LENGTHS.unpack_from(chunk, at - begin + 28))
        number += 1
    return number


def members(file: IO[bytes], directory: Directory) -> Iterator[Member]:
    """Yield every member, in the table's order; the file may be used in between.

    Raises
    ------
    zipfile.BadZipFile
        If the table is damaged.
    NotImplementedError
        If a member needs a later version of the format.
    """
    position, chunk, at, count = directory.begin, b"", 0, 0
    while position < directory.end or at < len(chunk):
        if len(chunk) - at < CHUNK and position < directory.end:
            file.seek(position)
            chunk = chunk[at:] + file.read(min(CHUNK, directory.end - position))
            position, at = min(position + CHUNK, directory.end), 0
        if len(chunk) - at < ENTRY.size or chunk[at : at + 4] != ENTRY_SIGNATURE:
            raise BadZipFile("its table is damaged")
        count += 1
        if directory.is_large and count > directory.members:
            raise BadZipFile("its table has more members than it says")
        fields = ENTRY.unpack_from(chunk, at)
        if (version := fields[2] & 0xFF) > LATEST:
            raise NotImplementedError(f"zip file version {version / 10:.1f}")
        name_length, extra_length, comment_length = fields[10:13]
        name_at = at + ENTRY.size
        extra_at = name_at + name_length
        at = extra_at + extra_length + comment_length
        if at > len(chunk):
            raise BadZipFile("its table ends too early")
        extra = chunk[extra_at : extra_at + extra_length]
        length, packed, begin = _lengths(fields[9], fields[8], fields[16], extra)
        yield Member(
            raw_name=chunk[name_at:extra_at],
            extra=extra,
            flags=fields[3],
            method=fields[4],
            checksum=fields[7],
            packed=packed,
            length=length,
            attributes=fields[15],
            begin=begin + directory.shift,
        )


def _lengths(length: int, packed: int, begin: int, extra: bytes) -> list[int]:
    """Return the numbers, of which the full ones stand in the extra field of zip64, in order."""
    numbers = [length, packed, begin]
    if FULL in numbers and (field := _field(extra, ZIP64)):
        at = 0
        for place, number in enumerate(numbers):
            if number == FULL:
                if at + 8 > len(field):
                    raise BadZipFile("an extra field is cut")
                numbers[place] = int.from_bytes(field[at : at + 8], "little")
                at += 8
    return numbers


def _field(extra: bytes, wanted: int) -> bytes:
    """Return the extra field of a number; nothing where there is none, or it is cut."""
    at = 0
    while at + 4 <= len(extra):
        number, length = struct.unpack_from("<HH", extra, at)
        at += 4
        if number == wanted:
            return extra[at : at + length]
        at += length
    return b""
