"""Zip files: their members as a stream."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pipeline.archives import names, pieces
from pipeline.archives.limits import Entry, MemberFilter, Members
from pipeline.core.errors import DataError

IN_UTF_8 = 0x800
"""Flag of a member whose name is in UTF-8."""
UNICODE_PATH = 0x7075
"""Number of the extra field in which Info-ZIP and WinZip repeat a name, in UTF-8."""
END = struct.Struct("<4s4H2LH")
"""The record at the end: its signature, the number of this piece, … and a comment's length."""
END_SIGNATURE = b"PK\x05\x06"
LONGEST_COMMENT = 0xFFFF


def read(path: Path, member_filter: MemberFilter) -> Members:
    """Yield (name, content) of every accepted member, in the order of the archive's table.

    Backslashes in names are taken for slashes, which tools of Windows write them for.

    Raises
    ------
    DataError
        If a member is refused, before anything is decompressed, or the archive is the last of
        several pieces.
    NotImplementedError
        If a member is compressed by a method that ``zipfile`` does not read.
    Exception
        One of ``members.DAMAGED`` if the archive is damaged.
    """
    with pieces.opened(path) as file, zipfile.ZipFile(file) as archive:
        _refuse_last_piece(file, path)
        wanted = []
        for info in archive.infolist():
            name = _name(info, member_filter.encoding)
            if member_filter.accepts(_entry(info, name)):
                wanted.append((name, info))
        member_filter.refuse_repeated()
        for name, info in wanted:
            yield name, archive.read(info)  # reading to the end verifies the CRC-32


def unsaid_names(path: Path) -> Iterator[bytes]:
    """Yield the name of every member of which the archive does not say how it is encoded.

    Raises
    ------
    Exception
        One of ``members.DAMAGED`` if the archive is damaged, and NotImplementedError as above.
    """
    with pieces.opened(path) as file, zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if not info.flag_bits & IN_UTF_8 and _unicode_path(info) is None:
                yield info.orig_filename.encode(names.ZIP)


def _refuse_last_piece(file: IO[bytes], path: Path) -> None:
    file.seek(0, 2)
    length = file.tell()
    file.seek(max(0, length - END.size - LONGEST_COMMENT))
    tail = file.read()
    at = tail.rfind(END_SIGNATURE)
    if at >= 0 and len(tail) - at >= END.size:
        number = END.unpack_from(tail, at)[1]
        if 0 < number < 0xFFFF:  # zip64 has its number elsewhere
            raise DataError(
                f"{path}: is the last of {number + 1} pieces (.z01 …); join them with: "
                "zip -s 0 NAME.zip --out whole.zip"
            )


def _name(info: zipfile.ZipInfo, encoding: str | None) -> str:
    """Return a member's name, with slashes."""
    # zipfile cuts ``filename`` at its first NUL, which would hide it.
    name = info.orig_filename
    if not info.flag_bits & IN_UTF_8:
        unicode = _unicode_path(info)
        if unicode is not None:
            name = unicode
        elif encoding is not None:
            name = names.decoded(name.encode(names.ZIP), encoding)
    return name.replace("\\", "/")


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    """Return the name that an extra field gives in UTF-8, if it is of the same name."""
    extra = info.extra
    while len(extra) >= 4:
        number, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if number == UNICODE_PATH and len(field) > 5 and field[0] == 1:
            checksum = int.from_bytes(field[1:5], "little")
            if checksum == zlib.crc32(info.orig_filename.encode(names.ZIP)):
                return names.decoded(field[5:], "utf-8")
    return None


def _entry(info: zipfile.ZipInfo, name: str) -> Entry:
    unix_type = stat.S_IFMT(info.external_attr >> 16)
    if name.endswith("/"):
        kind = "folder"
    elif info.flag_bits & 0x1:
        kind = "encrypted"
    elif unix_type == stat.S_IFLNK:
        kind = "a link"
    elif unix_type not in (0, stat.S_IFREG):
        kind = "a device or socket"
    else:
        kind = "file"
    return Entry(name, kind, info.file_size)
