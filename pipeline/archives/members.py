"""Archives (.7z, .zip, .tar, .tar.gz): their members, (name, bytes), in the archive's order.

Nothing is written to disk and one member is held at a time. The gate refuses hostile members by
name, and the container's own checksums are verified.
"""

import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Self

import py7zr

from pipeline.archives import seven_zip
from pipeline.archives.limits import Entry, Gate, Limits
from pipeline.core import files
from pipeline.core.errors import DataError

CHUNK = 1 << 20
"""Bytes decompressed at a time."""

MAX_PADDING = 64 << 20
"""Bytes behind the end of a .tar; tar itself writes up to a few kB."""

Members = Iterator[tuple[str, bytes]]


def members(path: Path, pattern: str, limits: Limits) -> Members:
    """Yield (name, content) of every member that matches, in the archive's order.

    Parameters
    ----------
    path : Path
        An archive; its suffix says of which format.
    pattern : str
        Shell-style, case-sensitive; ``*`` also matches ``/``.
    limits : Limits
        Upper bounds, checked against the declared lengths before anything is decompressed.

    Raises
    ------
    DataError
        If the archive is missing, damaged, of an unknown format, or holds a refused member.
    """
    reader = next((read for suffix, read in READERS.items() if path.name.endswith(suffix)), None)
    if reader is None:
        raise DataError(f"{path}: unknown archive format; known are {', '.join(READERS)}")
    gate = Gate(path, pattern, limits, files.existing(path, "download").stat().st_size)
    try:
        for name, content in reader(path, gate):
            yield name.removeprefix("./"), content
    except NotImplementedError as error:
        raise DataError(
            f"{path}: {error}; pack it again, with LZMA2 (.7z) or deflate (.zip) and no password"
        ) from None
    except DAMAGED as error:
        if isinstance(error, OSError) and error.filename:  # not found, no permission …
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: truncated, damaged or no such archive ({reason}); fetch it again"
        ) from None


DAMAGED = (
    py7zr.exceptions.ArchiveError,
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    UnicodeDecodeError,  # of a name in a .zip
    struct.error,
    OSError,  # gzip's and bz2's word for damage, and zipfile's where it seeks before the file
)


def _read_zip(path: Path, gate: Gate) -> Members:
    with zipfile.ZipFile(path) as archive:
        wanted = [info for info in archive.infolist() if gate.admit(_entry_zip(info))]
        gate.refuse_repeated()
        for info in wanted:
            yield info.filename, archive.read(info)  # reading to the end verifies the CRC-32


def _entry_zip(info: zipfile.ZipInfo) -> Entry:
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


def _read_tar_gz(path: Path, gate: Gate) -> Members:
    with gzip.open(path) as stream:
        yield from _read_tar(stream, gate)


def _read_plain_tar(path: Path, gate: Gate) -> Members:
    with path.open("rb") as stream:
        yield from _read_tar(stream, gate)


def _read_tar(stream: IO[bytes] | gzip.GzipFile, gate: Gate) -> Members:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_TarHeader) as archive:
        while info := archive.next():
            archive.members.clear()  # type: ignore[attr-defined] # tarfile would keep them all
            if gate.admit(_entry_tar(info)):
                member = archive.extractfile(info)
                if member is None:
                    raise tarfile.ReadError(f"{info.name!r} has no content")
                content = member.read()
                if len(content) != info.size:
                    raise EOFError(f"{info.name!r} ends too early")
                yield info.name, content
        gate.refuse_repeated()
        padding = 0
        while chunk := stream.read(CHUNK):  # gzip verifies its checksum only at the very end
            padding += len(chunk)
            if padding > MAX_PADDING:
                raise tarfile.ReadError(f"more than {MAX_PADDING:,} bytes behind its end")


class _TarHeader(tarfile.TarInfo):
    """A member's header; where it is damaged, tarfile alone would end the archive in silence."""

    NAMES = (
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.XHDTYPE,
    )
    """Types of the members that say something about the next one, such as a long name."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined] # the zeros that end it
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        if info.type in cls.NAMES and info.size > CHUNK:  # tarfile would read it whole
            raise tarfile.ReadError(f"a header of {info.size:,} bytes")
        return info


def _entry_tar(info: tarfile.TarInfo) -> Entry:
    if info.isdir():
        kind = "folder"
    elif info.issym() or info.islnk():
        kind = "a link"
    elif not info.isreg():
        kind = "a device or socket"
    else:
        kind = "file"
    return Entry(info.name, kind, info.size)


READERS: dict[str, Callable[[Path, Gate], Members]] = {
    ".7z": seven_zip.read,
    ".zip": _read_zip,
    ".tar": _read_plain_tar,
    ".tar.gz": _read_tar_gz,
    ".tgz": _read_tar_gz,
}
