"""Tar files, plain or compressed: their members as a stream.

A tar has no table: a member is refused when its header comes, and the ones before it have been
yielded by then.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, Self

from backports import zstd

from pipeline.archives import pieces
from pipeline.archives.limits import Entry, MemberFilter, Members

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1 << 20
"""Bytes decompressed at a time."""

MAX_PADDING = 64 << 20
"""Bytes behind the end of a .tar; tar itself writes up to a few kB."""

MAX_DICTIONARY = 256 << 20
"""Bytes that a decompressor may take. xz -9 needs 65 MiB; zstd refuses above 128 MiB by itself."""

TOO_LARGE = ("Memory usage limit exceeded", "requires too much memory")
"""Words of the errors by which lzma and zstd report a larger dictionary."""


def read(path: Path, member_filter: MemberFilter) -> Members:
    """Yield (name, content) of every accepted member of a .tar, in the archive's order.

    Raises
    ------
    DataError
        If a member is refused, when its header is reached.
    Exception
        One of ``members.DAMAGED`` if the archive is damaged. What changes a content alone is not
        noticed, for a .tar has checksums of its headers only.
    """
    with pieces.opened(path) as stream:
        yield from _read(stream, member_filter)


def read_gzip(path: Path, member_filter: MemberFilter) -> Members:
    """Read a .tar.gz as ``read`` does; its checksum covers all of it."""
    yield from _read_compressed(path, ".tar.gz", member_filter)


def read_bzip2(path: Path, member_filter: MemberFilter) -> Members:
    """Read a .tar.bz2 as ``read`` does; its checksums cover all of it."""
    yield from _read_compressed(path, ".tar.bz2", member_filter)


def read_xz(path: Path, member_filter: MemberFilter) -> Members:
    """Read a .tar.xz as ``read`` does; its checksums cover all of it, unless it was made without.

    Raises
    ------
    NotImplementedError
        If it cannot be decompressed in ``MAX_DICTIONARY``.
    """
    yield from _read_compressed(path, ".tar.xz", member_filter)


def read_zstd(path: Path, member_filter: MemberFilter) -> Members:
    """Read a .tar.zst as ``read`` does; its checksums, which ``zstd`` writes, cover all of it.

    Raises
    ------
    NotImplementedError
        If it was compressed with a window of more than 128 MiB (``zstd --long=28`` and above).
    """
    yield from _read_compressed(path, ".tar.zst", member_filter)


def beginning(path: Path, suffix: str, length: int) -> bytes:
    """Return the first bytes of what is compressed in a file; none where that is damaged."""
    with pieces.opened(path) as file, _decompressed(file, suffix) as stream:
        try:
            return stream.read(length)
        except (OSError, EOFError, lzma.LZMAError, zlib.error, zstd.ZstdError, NotImplementedError):
            return b""


class _Decompressor(Protocol):
    """A decompressor of the standard library: of one stream, in steps."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Decompressed(io.RawIOBase):
    """The decompressed bytes of a file of one or more compressed streams, and zeros between them.

    ``lzma.open`` takes no limit on memory, and it and ``bz2.open`` end in silence at a stream that
    is damaged from its beginning.
    """

    def __init__(self, file: IO[bytes], new: Callable[[], _Decompressor]) -> None:
        self.file = file
        self.new = new
        self.decompressor = new()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Decompress up to as many bytes as ``buffer`` has; return how many, 0 at the end."""
        view = memoryview(buffer).cast("B")
        content = b""
        while not content:
            data = b""
            if self.decompressor.eof:
                data = self.decompressor.unused_data.lstrip(b"\0")
                while not data:
                    if not (data := self.file.read(CHUNK)):
                        return 0
                    data = data.lstrip(b"\0")
                self.decompressor = self.new()
            elif self.decompressor.needs_input and not (data := self.file.read(CHUNK)):
                raise EOFError("the compressed data ends too early")
            content = self._decompress(data, len(view))
        view[: len(content)] = content
        return len(content)

    def _decompress(self, data: bytes, most: int) -> bytes:
        try:
            return self.decompressor.decompress(data, most)
        except (lzma.LZMAError, zstd.ZstdError) as error:
            if any(words in str(error) for words in TOO_LARGE):
                raise NotImplementedError("its compression needs too much memory") from None
            raise


NEW: dict[str, Callable[[], _Decompressor]] = {
    ".tar.bz2": bz2.BZ2Decompressor,
    ".tar.xz": partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY),
    ".tar.zst": zstd.ZstdDecompressor,
}
"""What decompresses a stream, by the suffix."""
COMPRESSED = (".tar.gz", *NEW)
"""Suffixes of what is a compressed stream."""


def _decompressed(file: IO[bytes], suffix: str) -> gzip.GzipFile | io.BufferedReader:
    if suffix == ".tar.gz":
        return gzip.GzipFile(fileobj=file, mode="rb")
    return io.BufferedReader(_Decompressed(file, NEW[suffix]), CHUNK)


def _read_compressed(path: Path, suffix: str, member_filter: MemberFilter) -> Members:
    with pieces.opened(path) as file, _decompressed(file, suffix) as stream:
        yield from _read(stream, member_filter)


def _read(stream: IO[bytes] | gzip.GzipFile, member_filter: MemberFilter) -> Members:
    with tarfile.open(
        fileobj=stream,
        mode="r|",
        tarinfo=_TarHeader,
        encoding=member_filter.encoding or "utf-8",
        errors="surrogateescape",
    ) as archive:
        while info := archive.next():
            archive.members.clear()  # type: ignore[attr-defined] # tarfile would keep them all
            if member_filter.accepts(_entry(info)):
                member = archive.extractfile(info)
                if member is None:
                    raise tarfile.ReadError(f"{info.name!r} has no content")
                content = member.read()
                if len(content) != info.size:
                    raise EOFError(f"{info.name!r} ends too early")
                yield info.name, content
        member_filter.refuse_repeated()
        padding = 0
        while chunk := stream.read(CHUNK):  # a checksum is verified only at the very end
            padding += len(chunk)
            if padding > MAX_PADDING:
                raise tarfile.ReadError(f"more than {MAX_PADDING:,} bytes behind its end")


class _TarHeader(tarfile.TarInfo):
    """A member's header; at a damaged one, tarfile alone would end the archive in silence."""

    EXTENSIONS = (
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.XHDTYPE,
    )
    """Types of the headers that say something about the next member, such as a long name."""

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
        if info.type in cls.EXTENSIONS and info.size > CHUNK:  # tarfile would read it whole
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
