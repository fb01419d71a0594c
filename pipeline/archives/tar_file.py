"""Tar files, plain or compressed: their members as a stream.

A tar has no table: a member is refused when its header comes, and the ones before it have been
yielded by then. Python's ``tarfile`` reads headers as long, as many and as deeply nested as they
say, so they are read here.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pipeline.archives import pieces, streams
from pipeline.archives.limits import Entry, MemberFilter, Members

CHUNK = streams.CHUNK
"""Bytes passed over at a time."""
BLOCK = tarfile.BLOCKSIZE
MAX_PADDING = 64 << 20
"""Bytes behind the end of a .tar; tar itself writes up to a few kB."""
LONGEST_HEADER = 1 << 20
"""Bytes of a header that says something about the next member, such as a long name."""
ITSELF = 64
"""Bytes for which such a header counts beside what it says."""
MOST_HEADERS = 100
"""Such headers before one member."""

COMPRESSED = tuple(streams.NEW)
"""Suffixes of what is a compressed stream."""
GLOBAL, PAX = tarfile.XGLTYPE, (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
LONG_NAME, LONG_LINK = tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK
WITHOUT_CONTENT = (
    *(tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE),
    *(tarfile.DIRTYPE, tarfile.FIFOTYPE),
)
"""Types of members behind whose header no content stands, whatever its length says."""
SPARSE = b"GNU.sparse."
"""Begin of the pax keys of a file with holes."""


def read(path: Path, member_filter: MemberFilter) -> Members:
    """Yield (name, content) of every accepted member of a .tar, in the archive's order.

    Raises
    ------
    DataError
        If a member is refused, when its header is reached.
    Exception
        If the archive is damaged. What changes a content alone is not noticed, for a .tar has
        checksums of its headers only.
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
        If it cannot be decompressed in ``streams.MAX_DICTIONARY``.
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
        except Exception:  # of whatever library; reading it will tell
            return b""


def _decompressed(file: IO[bytes], suffix: str) -> io.BufferedReader:
    return io.BufferedReader(streams.Decompressed(file, streams.NEW[suffix]), CHUNK)


def _read_compressed(path: Path, suffix: str, member_filter: MemberFilter) -> Members:
    with pieces.opened(path) as file, _decompressed(file, suffix) as stream:
        yield from _read(stream, member_filter)


def _read(stream: IO[bytes], member_filter: MemberFilter) -> Members:
    for entry, packed in _entries(stream, member_filter):
        if member_filter.accepts(entry):
            content = stream.read(packed)
            if len(content) != packed:
                raise EOFError(f"{entry.name!r} ends too early")
            _skip(stream, -packed % BLOCK)
            yield entry.name, content
        else:
            _skip(stream, packed + -packed % BLOCK)
    member_filter.refuse_repeated()
    padding = 0
    while chunk := stream.read(CHUNK):  # a checksum is verified only at the very end
        padding += len(chunk)
        if padding > MAX_PADDING:
            raise tarfile.ReadError(f"more than {MAX_PADDING:,} bytes behind its end")


def _skip(stream: IO[bytes], length: int) -> None:
    if length > CHUNK and stream.seekable():
        stream.seek(length, 1)
        return
    while length:
        if not (data := stream.read(min(CHUNK, length))):
            raise EOFError("it ends too early")
        length -= len(data)


def _entries(stream: IO[bytes], member_filter: MemberFilter) -> Iterator[tuple[Entry, int]]:
    """Yield each member, and the bytes of its content behind its header, which the caller reads."""
    encoding = member_filter.encoding or "utf-8"
    every: dict[bytes, bytes] = {}
    """What global headers say about all members behind them."""
    own: dict[bytes, bytes] = {}
    long_name, count = None, 0
    while (header := _header(stream)) is not None:
        kind, length = header[156:157], _length(header)
        if kind in (LONG_NAME, LONG_LINK, GLOBAL, *PAX):
            count += 1
            if count > MOST_HEADERS:
                raise tarfile.ReadError(f"more than {MOST_HEADERS} headers before a member")
            body = _body(stream, length)
            member_filter.add_headers(ITSELF + length)
            if kind == LONG_NAME:
                long_name = body.partition(b"\0")[0] if long_name is None else long_name
            elif kind == GLOBAL:
                every.update(_records(body))
            elif kind != LONG_LINK:
                own = _records(body) | own  # of two, the first one counts, as for tarfile
            continue
        said = every | own
        name = said.get(b"GNU.sparse.name", said.get(b"path"))
        if name is None:
            raw = _name(header) if long_name is None else long_name
            text = raw.decode(encoding, "surrogateescape")
        else:
            text = _pax_name(name, said, encoding)
        if b"size" in said:
            length = int(said[b"size"])
        is_sparse = kind == tarfile.GNUTYPE_SPARSE or any(key.startswith(SPARSE) for key in said)
        if kind == tarfile.GNUTYPE_SPARSE:
            _skip_map(stream, header, member_filter)
        if kind == tarfile.AREGTYPE and text.endswith("/"):
            kind = tarfile.DIRTYPE
        packed = 0 if kind in WITHOUT_CONTENT else length
        yield Entry(text, "a sparse file" if is_sparse else _kind(kind), length), packed
        own, long_name, count = {}, None, 0


def _header(stream: IO[bytes]) -> bytes | None:
    """Return the next block, which is a header; None at the zeros that end an archive."""
    header = stream.read(BLOCK)
    if len(header) < BLOCK:
        raise EOFError("it ends too early" if header else "it has no end")
    if not header.strip(b"\0"):
        return None
    unsigned = 8 * ord(" ") + sum(header[:148]) + sum(header[156:])
    said = _number(header[148:156])
    if said != unsigned:  # some old programs have added the bytes as signed ones
        negative = sum(byte > 127 for byte in header[:148] + header[156:])
        if said != unsigned - 256 * negative:
            raise tarfile.ReadError("bad checksum")
    return header


def _number(field: bytes) -> int:
    """Return a number of a header: octal digits, or where they are too few, bytes (base 256)."""
    if field[0] in (0o200, 0o377):
        value = int.from_bytes(field[1:], "big")
        return value - 256 ** (len(field) - 1) if field[0] == 0o377 else value
    digits = field.partition(b"\0")[0].strip() or b"0"
    if not digits.lstrip(b"-").isdigit():
        raise tarfile.ReadError("a header with a number that is none")
    return int(digits, 8)


def _length(header: bytes) -> int:
    return _number(header[124:136])


def _body(stream: IO[bytes], length: int) -> bytes:
    if not 0 <= length <= LONGEST_HEADER:
        raise tarfile.ReadError(f"a header of {length:,} bytes")
    body = stream.read(length + -length % BLOCK)[:length]
    if len(body) < length:
        raise EOFError("it ends too early")
    return body


def _records(body: bytes) -> dict[bytes, bytes]:
    """Return the records of a pax header that are needed here."""
    records = {}
    at = 0
    while at < len(body) and body[at]:
        space = body.find(b" ", at, at + 20)
        if space < 0 or not body[at:space].isdigit():
            raise tarfile.ReadError("a damaged pax header")
        end = at + int(body[at:space])
        key, equals, value = body[space + 1 : end - 1].partition(b"=")
        if not equals or body[end - 1 : end] != b"\n":
            raise tarfile.ReadError("a damaged pax header")
        if key in (b"path", b"hdrcharset") or key.startswith(SPARSE):
            # What the key of a file with holes says is of no concern, but for its name.
            records[key if key in (b"path", b"hdrcharset", b"GNU.sparse.name") else SPARSE] = value
        elif key == b"size":
            if not value.isdigit() or len(value) > 20:
                raise tarfile.ReadError("a pax header with a size that is no number")
            records[key] = value
        at = end
    return records


def _pax_name(name: bytes, said: dict[bytes, bytes], encoding: str) -> str:
    """Return a name, which is in UTF-8 unless it says that it is in none."""
    if said.get(b"hdrcharset") != b"BINARY":
        try:
            return name.decode()
        except UnicodeDecodeError:
            pass
    return name.decode(encoding, "surrogateescape")


def _name(header: bytes) -> bytes:
    """Return the name in a header, with the part before it, which only POSIX's have."""
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0]
    if prefix and header[156:157] not in tarfile.GNU_TYPES:
        return prefix + b"/" + name
    return name


def _skip_map(stream: IO[bytes], header: bytes, member_filter: MemberFilter) -> None:
    """Pass over the blocks that go on with the map of a file with holes."""
    goes_on = header[482]
    while goes_on:
        member_filter.add_headers(BLOCK)
        goes_on = _body(stream, BLOCK)[504]


def _kind(kind: bytes) -> str:
    if kind == tarfile.DIRTYPE:
        return "folder"
    if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        return "a link"
    if kind in tarfile.REGULAR_TYPES:
        return "file"
    return "a device or socket"
