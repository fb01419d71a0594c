"""Zip files: their members as a stream."""

import stat
import zipfile
from pathlib import Path

from pipeline.archives.limits import Entry, MemberFilter, Members


def read(path: Path, member_filter: MemberFilter) -> Members:
    """Yield (name, content) of every accepted member, in the order of the archive's table.

    Raises
    ------
    DataError
        If a member is refused, before anything is decompressed.
    NotImplementedError
        If a member is compressed by a method that ``zipfile`` does not read.
    Exception
        One of ``members.DAMAGED`` if the archive is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        wanted = [info for info in archive.infolist() if member_filter.accepts(_entry(info))]
        member_filter.refuse_repeated()
        for info in wanted:
            yield info.filename, archive.read(info)  # reading to the end verifies the CRC-32


def _entry(info: zipfile.ZipInfo) -> Entry:
    unix_type = stat.S_IFMT(info.external_attr >> 16)
    if info.orig_filename.endswith("/"):
        kind = "folder"
    elif info.flag_bits & 0x1:
        kind = "encrypted"
    elif unix_type == stat.S_IFLNK:
        kind = "a link"
    elif unix_type not in (0, stat.S_IFREG):
        kind = "a device or socket"
    else:
        kind = "file"
    # zipfile cuts ``filename`` at its first NUL, which would hide it.
    return Entry(info.orig_filename, kind, info.file_size)
