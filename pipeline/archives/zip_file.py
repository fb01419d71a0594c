"""Zip files: their members as a stream."""

import stat
import zipfile
from pathlib import Path

from pipeline.archives.limits import Entry, Gate, Members


def read(path: Path, gate: Gate) -> Members:
    with zipfile.ZipFile(path) as archive:
        wanted = [info for info in archive.infolist() if gate.admit(_entry(info))]
        gate.refuse_repeated()
        for info in wanted:
            yield info.filename, archive.read(info)  # reading to the end verifies the CRC-32


def _entry(info: zipfile.ZipInfo) -> Entry:
    form = stat.S_IFMT(info.external_attr >> 16)
    if info.orig_filename.endswith("/"):
        kind = "folder"
    elif info.flag_bits & 0x1:
        kind = "encrypted"
    elif form == stat.S_IFLNK:
        kind = "a link"
    elif form not in (0, stat.S_IFREG):
        kind = "a device or socket"
    else:
        kind = "file"
    # orig_filename: zipfile cuts a name at its first NUL and would hide it.
    return Entry(info.orig_filename, kind, info.file_size)
