"""Tar files, plain or gzipped: their members as a stream."""

import gzip
import tarfile
from pathlib import Path
from typing import IO, Self

from pipeline.archives.limits import Entry, Gate, Members

CHUNK = 1 << 20
"""Bytes decompressed at a time."""


MAX_PADDING = 64 << 20
"""Bytes behind the end of a .tar; tar itself writes up to a few kB."""


def read_gzipped(path: Path, gate: Gate) -> Members:
    with gzip.open(path) as stream:
        yield from _read(stream, gate)


def read(path: Path, gate: Gate) -> Members:
    with path.open("rb") as stream:
        yield from _read(stream, gate)


def _read(stream: IO[bytes] | gzip.GzipFile, gate: Gate) -> Members:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_TarHeader) as archive:
        while info := archive.next():
            archive.members.clear()  # type: ignore[attr-defined] # tarfile would keep them all
            if gate.admit(_entry(info)):
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


def _entry(info: tarfile.TarInfo) -> Entry:
    if info.isdir():
        kind = "folder"
    elif info.issym() or info.islnk():
        kind = "a link"
    elif not info.isreg():
        kind = "a device or socket"
    else:
        kind = "file"
    return Entry(info.name, kind, info.size)
