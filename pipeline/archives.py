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
from typing import IO, Any, Self

import py7zr
from py7zr.properties import CompressionMethod

from pipeline import files
from pipeline.admission import Entry, Gate, Limits
from pipeline.errors import DataError

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
METHODS_7Z = {
    CompressionMethod.COPY,
    CompressionMethod.LZMA,
    CompressionMethod.LZMA2,
    CompressionMethod.MISC_BZIP2,
    CompressionMethod.DELTA,
    CompressionMethod.P7Z_BCJ,
}
"""What is decompressed in bounded memory. py7zr inflates Deflate without bounds, and its PPMd
crashes the process on damaged data."""


def _read_7z(path: Path, gate: Gate) -> Members:
    """Read a .7z through py7zr's own header parser and decompressors.

    Its extraction asks for free memory and sanitizes a path for every member; driving its
    decompressors a megabyte at a time gives the same bytes in the time that LZMA takes.
    """
    # py7zr makes its table of members before anyone can look at it.
    py7zr.archiveinfo.MAX_NUMFILES = gate.limits.members
    with path.open("rb") as file:
        try:
            archive = py7zr.SevenZipFile(file)
        except py7zr.exceptions.PasswordRequired:
            raise NotImplementedError("its table of members is encrypted") from None
        except MemoryError:
            raise
        except Exception as error:  # a foreign parser on foreign bytes: KeyError, struct.error …
            raise py7zr.Bad7zFile(str(error) or type(error).__name__) from None
        wanted = {member.id for member in archive.files if gate.admit(_entry_7z(member))}
        blocks = {id(member.folder) for member in archive.files if member.id in wanted}
        block: _Block | None = None
        for member in archive.files:
            if member.emptystream:
                if member.id in wanted:
                    yield member.filename, b""
                continue
            if id(member.folder) not in blocks:
                continue
            if block is None or block.folder is not member.folder:
                block = _Block(file, archive, member.folder)
            if member.id not in wanted:
                block.skip(member.uncompressed)
                continue
            content = block.read(member.uncompressed)
            if member.crc32 is not None and zlib.crc32(content) != member.crc32:
                raise py7zr.Bad7zFile(f"checksum of {member.filename!r} does not match")
            yield member.filename, content


def _entry_7z(member: py7zr.py7zr.ArchiveFile) -> Entry:
    if member.is_directory:
        kind = "folder"
    elif member.is_symlink or member.is_junction:
        kind = "a link"
    elif not member.is_file:
        kind = "a device or socket"
    elif member.folder is not None and py7zr.compressor.SupportedMethods.needs_password(
        member.folder.coders
    ):
        kind = "encrypted"
    else:
        kind = "file"
    return Entry(member.filename, kind, member.uncompressed)


class _Block:
    """A solid block of a .7z, decompressed in order, a chunk at a time."""

    def __init__(self, file: IO[bytes], archive: py7zr.SevenZipFile, folder: Any) -> None:
        if not METHODS_7Z.issuperset(coder["method"] for coder in folder.coders):
            raise NotImplementedError("it is compressed with a method that is not read here")
        streams = archive.header.main_streams
        index = next(i for i, f in enumerate(streams.unpackinfo.folders) if f is folder)
        begin, end = streams.packinfo.packpositions[index : index + 2]
        file.seek(archive.afterheader + streams.packinfo.packpos + begin)
        self.file = file
        self.folder = folder
        self.decompressor = folder.get_decompressor(end - begin)
        self.left = folder.get_unpack_size()
        self.chunk = memoryview(b"")

    def read(self, length: int) -> bytes:
        """The next ``length`` bytes."""
        return b"".join(self._pieces(length))

    def skip(self, length: int) -> None:
        """Pass over the next ``length`` bytes."""
        for _ in self._pieces(length):
            pass

    def _pieces(self, length: int) -> Iterator[memoryview]:
        while length:
            if not self.chunk:
                self.chunk = memoryview(self._decompress())
            piece = self.chunk[:length]
            self.chunk = self.chunk[length:]
            length -= len(piece)
            yield piece

    def _decompress(self) -> bytes:
        while self.left:
            before = self.decompressor.consumed
            data: bytes = self.decompressor.decompress(self.file, min(CHUNK, self.left))
            if data:
                self.left -= len(data)
                return data
            if self.decompressor.consumed == before:  # neither bytes in nor bytes out
                break
        raise EOFError("the compressed data ends too early")


def _read_zip(path: Path, gate: Gate) -> Members:
    with zipfile.ZipFile(path) as archive:
        for info in [info for info in archive.infolist() if gate.admit(_entry_zip(info))]:
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
    ".7z": _read_7z,
    ".zip": _read_zip,
    ".tar": _read_plain_tar,
    ".tar.gz": _read_tar_gz,
    ".tgz": _read_tar_gz,
}
