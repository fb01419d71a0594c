"""Files in the .7z format: their members as a stream.

py7zr parses the table of members. Its own extraction asks for free memory and sanitizes a path for
every member, so the members are decompressed here: a block in a thread, a megabyte at a time, while
members are cut out of the megabyte before.
"""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Any

import py7zr
from py7zr.compressor import SupportedMethods
from py7zr.properties import CompressionMethod

from pipeline.archives import liblzma, pieces
from pipeline.archives.limits import Entry, MemberFilter, Members
from pipeline.execution.prefetch import prefetch

CHUNK = 1 << 20
"""Bytes decompressed at a time."""

METHODS = {
    CompressionMethod.COPY,
    CompressionMethod.LZMA,
    CompressionMethod.LZMA2,
    CompressionMethod.MISC_BZIP2,
    CompressionMethod.DELTA,
    CompressionMethod.P7Z_BCJ,
}
"""Methods that are decompressed in bounded memory. Others are not read: py7zr inflates Deflate
without bounds, and its PPMd crashes the process on damaged data."""


def read(path: Path, member_filter: MemberFilter) -> Members:
    """Yield (name, content) of every accepted member, in the archive's order.

    Raises
    ------
    DataError
        If a member is refused, before anything is decompressed.
    py7zr.Bad7zFile, lzma.LZMAError, EOFError
        If the archive is damaged.
    NotImplementedError
        If it is encrypted, or compressed by a method that is not read here.
    """
    with pieces.opened(path) as file, ExitStack() as open_block:
        archive = _opened(file, member_filter.limits.members)
        encrypted = _encrypted(archive.files)
        # A byte a member, so that only py7zr's table takes more memory with each member.
        wanted = bytearray(
            member_filter.accepts(_entry(member, encrypted)) for member in archive.files
        )
        member_filter.refuse_repeated()
        folders = {id(member.folder) for member in archive.files if wanted[member.id]}
        block: _Block | None = None
        for member in archive.files:
            if member.emptystream:
                if wanted[member.id]:
                    yield member.filename, b""
                continue
            if id(member.folder) not in folders:
                continue
            if block is None or block.folder is not member.folder:
                open_block.close()
                block = open_block.enter_context(closing(_Block(file, archive, member.folder)))
            if not wanted[member.id]:
                block.skip(member.uncompressed)
                continue
            content = block.read(member.uncompressed)
            if member.crc32 is not None and zlib.crc32(content) != member.crc32:
                raise py7zr.Bad7zFile(f"checksum of {member.filename!r} does not match")
            yield member.filename, content


def _opened(file: IO[bytes], most_members: int) -> py7zr.SevenZipFile:
    # py7zr builds its whole table of members before it can be looked at.
    py7zr.archiveinfo.MAX_NUMFILES = most_members
    try:
        return py7zr.SevenZipFile(file)
    except py7zr.exceptions.PasswordRequired:
        raise NotImplementedError("its table of members is encrypted") from None
    except MemoryError:
        raise
    except Exception as error:  # py7zr raises KeyError, struct.error … on damaged tables
        raise py7zr.Bad7zFile(str(error) or type(error).__name__) from None


def _encrypted(members: Iterable[py7zr.py7zr.ArchiveFile]) -> set[int]:
    """Return the ``id`` of each block that needs a password."""
    folders = {id(member.folder): member.folder for member in members if member.folder}
    return {
        number
        for number, folder in folders.items()
        if SupportedMethods.needs_password(folder.coders)
    }


def _entry(member: py7zr.py7zr.ArchiveFile, encrypted: set[int]) -> Entry:
    if member.is_directory:
        kind = "folder"
    elif not member.is_file:
        kind = "a link" if member.is_symlink else "a device or socket"
    elif id(member.folder) in encrypted:
        kind = "encrypted"
    else:
        kind = "file"
    return Entry(member.filename, kind, member.uncompressed)


class _Block:
    """A solid block, decompressed in order, a chunk at a time."""

    def __init__(self, file: IO[bytes], archive: py7zr.SevenZipFile, folder: Any) -> None:
        if not METHODS.issuperset(coder["method"] for coder in folder.coders):
            raise NotImplementedError("it is compressed with a method that is not read here")
        streams = archive.header.main_streams
        index = next(i for i, f in enumerate(streams.unpackinfo.folders) if f is folder)
        begin, end = streams.packinfo.packpositions[index : index + 2]
        file.seek(archive.afterheader + streams.packinfo.packpos + begin)
        self.folder = folder
        self.chunks = prefetch(_decoded(file, folder, end - begin))
        self.chunk = memoryview(b"")

    def read(self, length: int) -> bytes:
        """Return the next ``length`` bytes."""
        return b"".join(self._pieces(length))

    def skip(self, length: int) -> None:
        """Pass over the next ``length`` bytes."""
        for _ in self._pieces(length):
            pass

    def close(self) -> None:
        """Stop decompressing ahead."""
        self.chunks.close()

    def _pieces(self, length: int) -> Iterator[memoryview]:
        while length:
            if not self.chunk:
                self.chunk = memoryview(next(self.chunks, b""))
                if not self.chunk:
                    raise EOFError("the compressed data ends too early")
            piece = self.chunk[:length]
            self.chunk = self.chunk[length:]
            length -= len(piece)
            yield piece


def _decoded(file: IO[bytes], folder: Any, packed: int) -> Iterator[bytes]:
    """Yield a block's chunks; fewer bytes than it should have if its data end too early."""
    left, coder = folder.get_unpack_size(), folder.coders[0]
    if len(folder.coders) == 1 and coder["method"] in liblzma.FILTERS and liblzma.load():
        yield from liblzma.decode(file, packed, coder["method"], coder["properties"], left)
        return
    decompressor = folder.get_decompressor(packed)
    while left:
        before = decompressor.consumed
        data: bytes = decompressor.decompress(file, min(CHUNK, left))
        if not data and decompressor.consumed == before:  # neither bytes in nor bytes out
            return
        left -= len(data)
        if data:
            yield data
