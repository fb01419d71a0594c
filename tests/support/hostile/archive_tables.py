"""Archives whose tables and headers lie, repeat themselves or have no end."""

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.support.builders import write_tar
from tests.support.hostile.archives import _archive, _number, header_7z
from tests.support.hostile.corpus import Input

MANY = 20_000
"""Members of an archive of a few kB, all of which there may be."""


def lying_zip(method: int, said: int) -> Callable[[Path], None]:
    """Return a writer of a member that says ``said`` bytes, and opens to 100 MB."""

    def write(path: Path) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            with archive.open("a.png", "w", force_zip64=False) as file:
                for _ in range(100):
                    file.write(bytes(1 << 20))
            info = archive.infolist()[0]
        content = bytearray(stream.getvalue())
        table = content.index(b"PK\1\2")
        struct.pack_into("<L", content, 22, said)
        struct.pack_into("<L", content, table + 24, said)
        assert info.file_size == 100 << 20
        path.write_bytes(content)

    return write


def many_members_zip(path: Path) -> None:
    """Write a table of 1.2 million members that share one, which is said to have three."""
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 5, 0) + b"a.png"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *(20, 20, 0, 0, 0, 33), *(0,) * 3, 5, *(0,) * 6)
    table = (entry + b"a.txt") * 1_200_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 3, 3, len(table), len(local), 0)
    path.write_bytes(local + table + end)


def empty_streams_tar(path: Path) -> None:
    """Write a hundred thousand compressed streams of nothing."""
    path.write_bytes(gzip.compress(b"") * 100_000)


def tar_header(kind: bytes, body: bytes, count: int = 1) -> Callable[[Path], None]:
    """Return a writer of such headers before a member."""

    def write(path: Path) -> None:
        info = tarfile.TarInfo("header")
        info.type = kind
        write_tar(path, [*[(info, body)] * count, ("a.png", b"1")])

    return write


def endless_sparse_tar(path: Path) -> None:
    """Write a file with holes, whose map goes on for 150 MB of blocks."""
    info = tarfile.TarInfo("a.png")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    block = (bytes(504) + b"\1" + bytes(7)) * 2048
    with gzip.GzipFile(path, "wb", 1) as file:
        file.write(header)
        for _ in range(150):
            file.write(block)


def repeated_header() -> bytes:
    """Return a table that says a hundred times which of its members are empty."""
    empty = b"\x0e" + _number(MANY // 8) + b"\xff" * (MANY // 8)
    return b"\1\5" + _number(MANY) + empty * 100 + bytes(2)


def many_blocks_header() -> bytes:
    """Return a table of blocks without content, each of which wants 4 GiB for a dictionary."""
    coder = b"\1\x23\3\1\1\5\x5d\xff\xff\xff\xff"
    names = b"\0" + b"".join(f"{n:x}".encode("utf-16-le") + b"\0\0" for n in range(MANY))
    return (
        b"\1\4\6\0" + _number(MANY) + b"\x09" + bytes(MANY) + b"\0\7\x0b" + _number(MANY) + b"\0"
        + coder * MANY + b"\x0c" + bytes(MANY) + b"\0\0\5" + _number(MANY)
        + b"\x11" + _number(len(names)) + names + b"\0\0"
    )  # fmt: skip


def encoded_7z(method: bytes, properties: bytes, length: int) -> Callable[[Path], None]:
    """Return a writer of a table of such a length, by any method."""

    def write(path: Path) -> None:
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 2}]
        body = lzma.compress(bytes(min(length, 20 << 20)), lzma.FORMAT_RAW, filters=filters)
        coder = bytes([1, 0x20 | len(method)]) + method + bytes([len(properties)]) + properties
        begin = b"\x17\6\0\1\x09" + _number(len(body)) + b"\0\7\x0b\1\0"
        table = begin + coder + b"\x0c" + _number(length) + b"\0\0"
        numbers = struct.pack("<QQL", len(body), len(table), zlib.crc32(table))
        start = b"7z\xbc\xaf\x27\x1c\0\4" + zlib.crc32(numbers).to_bytes(4, "little") + numbers
        path.write_bytes(start + body + table)

    return write


def later(header: Callable[[], bytes]) -> Callable[[Path], None]:
    """Return a writer of a table that is made only when it is wanted."""
    return lambda path: header_7z(header(), packed=True)(path)


DAMAGED = "truncated, damaged or no such archive"
PROPERTIES = b"\x5d\0\0\x10\0"
INPUTS: dict[str, Input] = {
    name: Input("extract", "tiny_png", _archive(suffix, write), ends)
    for name, suffix, write, ends in (
        ("zip that lies, by bzip2", ".zip", lying_zip(zipfile.ZIP_BZIP2, 10), "Bad CRC-32"),
        ("zip that lies, by LZMA", ".zip", lying_zip(zipfile.ZIP_LZMA, 50_000_000), "Bad CRC-32"),
        ("zip of 1,200,000 members", ".zip", many_members_zip, "has more than 612,000 members"),
        ("tgz of empty streams", ".tgz", empty_streams_tar, "streams without content"),
        ("tar with a map without end", ".tgz", endless_sparse_tar, "bytes of headers"),
        (
            "tar with pax keys",
            ".tgz",
            tar_header(tarfile.XGLTYPE, b"5 k=\n" * 200_000, 20),
            "bytes of headers",
        ),
        (
            "tar with digits alone",
            ".tgz",
            tar_header(tarfile.XHDTYPE, b"1" * 1_000_000),
            "a damaged pax header",
        ),
        (
            "tar with 2,000 headers",
            ".tgz",
            tar_header(tarfile.XHDTYPE, b"10 path=a\n", 2000),
            "more than 100 headers",
        ),
        (
            "tar with a size that is no number",
            ".tgz",
            tar_header(tarfile.XHDTYPE, b"11 size=zz\n"),
            "a size that is no number",
        ),
        ("7z repeated", ".7z", later(repeated_header), "says something twice"),
        ("7z of 20,000 blocks", ".7z", later(many_blocks_header), None),
        ("7z nested", ".7z", header_7z(b"\x17" * 99, packed=True), DAMAGED),
        ("7z table of 1 GB", ".7z", encoded_7z(b"\3\1\1", PROPERTIES, 1 << 30), "bytes, above"),
        (
            "7z table of 4 GiB of dictionary",
            ".7z",
            encoded_7z(b"\3\1\1", b"\x5d\xff\xff\xff\xff", 15 << 20),
            DAMAGED,
        ),
        ("7z table by PPMd", ".7z", encoded_7z(b"\3\4\1", b"\6\0\0\0\1", 99), "not read here"),
        ("7z table by deflate", ".7z", encoded_7z(b"\4\1\x08", b"", 99), "not read here"),
        ("7z table without properties", ".7z", encoded_7z(b"\3\1\1", b"", 99), "no properties"),
    )
}
