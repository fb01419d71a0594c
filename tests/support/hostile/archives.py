"""Hostile and broken archives, which ``extract`` opens."""

import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import py7zr

from tests.support.builders import Project, write_7z, write_archive, write_tar, write_zip
from tests.support.hostile.corpus import Input


def _archive(suffix: str, write: Callable[[Path], Any]) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        name = f"hostile{suffix}"
        write(project.folder / "data" / "raw" / "tiny_png" / name)
        project.set("datasets.tiny_png.extract.archive", name)
        project.set("datasets.tiny_png.extract.members", "*")

    return put


def _member(suffix: str, name: str) -> Callable[[Project], None]:
    members = [("good.png", b"1"), (name, b"2")]
    return _archive(suffix, lambda path: write_archive(path, members))


def unix_7z(mode: int) -> Callable[[Path], None]:
    return lambda path: write_7z(path, [("a", b"b")], attributes=0x8000 | (mode | 0o644) << 16)


def unix_zip(mode: int) -> Callable[[Path], None]:
    return lambda path: write_zip(path, [("a", b"b")], mode=mode | 0o644)


def typed_tar(kind: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        info = tarfile.TarInfo("a")
        info.type, info.linkname = kind, "b"
        write_tar(path, [("b", b""), (info, b"")])

    return write


def reparse_7z(path: Path) -> None:
    write_7z(path, [("a", b"b")], attributes=stat.FILE_ATTRIBUTE_REPARSE_POINT)


def encrypted_7z(path: Path) -> None:
    write_7z(path, [("a", b"b")], password="secret")


def encrypted_table_7z(path: Path) -> None:
    write_7z(path, [("a", b"b")], password="secret", header_encryption=True)


def encrypted_zip(path: Path) -> None:
    write_zip(path, [("a", b"b")])
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        table = archive.start_dir
    content[6] |= 1
    content[table + 8] |= 1
    path.write_bytes(content)


def latin1_zip(path: Path) -> None:
    """Write a name that is declared as UTF-8 and is not."""
    write_zip(path, [("\u00e9.png", b"b")])
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xe9\xff"))


def nul_zip(path: Path) -> None:
    write_zip(path, [("a\0.png", b"b")])


def nul_tar(path: Path) -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"path": "a\0.png"}
    write_tar(path, [(info, b"b")])


def latin1_tar(path: Path) -> None:
    write_tar(path, [(tarfile.TarInfo("a\udce9.png"), b"b")])


def long_header_tar(path: Path) -> None:
    info = tarfile.TarInfo("a")
    info.type = tarfile.XHDTYPE
    write_tar(path, [(info, bytes(2 << 20))])


def bomb_7z(path: Path) -> None:
    """Write 45 kB that open to 300 MB, in members each below the limit."""
    members = ((f"{number}.png", bytes(32 << 20)) for number in range(9))
    write_7z(path, members, filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}])


def bomb_zip(path: Path) -> None:
    """Write 300 kB that open to 300 MB."""
    write_zip(path, [(f"{number}.png", bytes(32 << 20)) for number in range(9)])


def overlapping_zip(path: Path) -> None:
    """Write thousands of members that share the same bytes (Fifield, 2019)."""
    write_zip(path, [("0.png", bytes(8 << 20))])
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = archive.start_dir
    end = content.index(b"PK\5\6")
    entry = content[start:end]
    entries = [entry.replace(b"0.png", f"{number:05}"[-5:].encode()) for number in range(5000)]
    table = b"".join(entries)
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 5000, 5000, len(table), start, 0)
    path.write_bytes(content[:start] + table + tail)


def bomb_tar(path: Path) -> None:
    """Write a tar of one empty member, with 100 MB of zeros behind its end."""
    with path.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as stream:
        info = tarfile.TarInfo("a.png")
        stream.write(info.tobuf() + bytes(1024))
        for _ in range(100):
            stream.write(bytes(1 << 20))


def quine_like_zip(path: Path) -> None:
    """Write an archive in an archive, which is data like any other."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.zip", bytes(1 << 20))
    write_zip(path, [("train/1.png", inner.getvalue())])


def header_7z(header: bytes, packed: bool = False) -> Callable[[Path], None]:
    """Return a writer of a .7z that is a table of members alone, which LZMA may have ``packed``."""

    def write(path: Path) -> None:
        body, table = b"", header
        if packed:
            filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 2}]
            body = lzma.compress(header, lzma.FORMAT_RAW, filters=filters)
            properties = bytes([(2 * 5 + 0) * 9 + 3]) + (1 << 20).to_bytes(4, "little")
            table = (
                b"\x17\x06" + _number(0) + _number(1) + b"\x09" + _number(len(body)) + b"\x00"
                + b"\x07\x0b" + _number(1) + b"\x00" + _number(1)
                + b"\x23\x03\x01\x01" + _number(5) + properties
                + b"\x0c" + _number(len(header)) + b"\x00\x00"
            )  # fmt: skip
        start = struct.pack("<QQI", len(body), len(table), zlib.crc32(table))
        signature = b"7z\xbc\xaf\x27\x1c\x00\x04" + zlib.crc32(start).to_bytes(4, "little")
        path.write_bytes(signature + start + body + table)

    return write


def _number(value: int) -> bytes:
    """Encode a number as 7z does, in its longest form."""
    return b"\xff" + value.to_bytes(8, "little")


def many_files_header(count: int) -> bytes:
    """Return a table of so many empty files, each with an empty name."""
    names = b"\0" + bytes(2 * count)
    return b"\x01\x05" + _number(count) + b"\x11" + _number(len(names)) + names + b"\x00\x00"


INPUTS: dict[str, Input] = {
    # Names of members
    **{
        f"{suffix} {name!r}": Input("extract", "tiny_png", _member(suffix, name), ends)
        for suffix in (".7z", ".zip", ".tgz")
        for name, ends in (
            ("/etc/cron.d/a.png", "is refused: its name is an absolute path"),
            ("C:\\a.png", "is refused: its name is an absolute path"),
            ("../../a.png", "is refused: its name leads out of the archive's folder"),
            ("x\\..\\..\\a.png", "is refused: its name leads out of the archive's folder"),
            ("good.png", "is refused: its name stands there twice"),
            ("CON", None),
            ("nul.png", None),
            ("GOOD.PNG", None),
            ("a.png.", None),
        )
    },
    # Kinds of members
    **{
        name: Input("extract", "tiny_png", _archive(suffix, write), f"is refused: {ends}")
        for name, suffix, write, ends in (
            ("7z link", ".7z", unix_7z(stat.S_IFLNK), "it is a link"),
            ("7z reparse point", ".7z", reparse_7z, "it is a link"),
            ("7z FIFO", ".7z", unix_7z(stat.S_IFIFO), "it is a device or socket"),
            ("7z device", ".7z", unix_7z(stat.S_IFBLK), "it is a device or socket"),
            ("7z socket", ".7z", unix_7z(stat.S_IFSOCK), "it is a device or socket"),
            ("7z encrypted", ".7z", encrypted_7z, "it is encrypted"),
            ("zip link", ".zip", unix_zip(stat.S_IFLNK), "it is a link"),
            ("zip FIFO", ".zip", unix_zip(stat.S_IFIFO), "it is a device or socket"),
            ("zip device", ".zip", unix_zip(stat.S_IFCHR), "it is a device or socket"),
            ("zip encrypted", ".zip", encrypted_zip, "it is encrypted"),
            ("zip NUL", ".zip", nul_zip, "its name is no Unicode text"),
            ("tar link", ".tgz", typed_tar(tarfile.SYMTYPE), "it is a link"),
            ("tar hard link", ".tgz", typed_tar(tarfile.LNKTYPE), "it is a link"),
            ("tar FIFO", ".tgz", typed_tar(tarfile.FIFOTYPE), "it is a device or socket"),
            ("tar device", ".tgz", typed_tar(tarfile.CHRTYPE), "it is a device or socket"),
            ("tar unknown type", ".tgz", typed_tar(b"Z"), "it is a device or socket"),
            ("tar NUL", ".tgz", nul_tar, "its name is no Unicode text"),
            ("tar Latin-1", ".tgz", latin1_tar, "its name is no Unicode text"),
        )
    },
    # Bombs, and tables of members that are not what they say
    **{
        name: Input("extract", "tiny_png", _archive(suffix, write), ends)
        for name, suffix, write, ends in (
            ("7z bomb", ".7z", bomb_7z, "far more than its own"),
            ("zip bomb", ".zip", bomb_zip, "far more than its own"),
            ("zip of overlapping members", ".zip", overlapping_zip, "far more than its own"),
            ("tar bomb", ".tgz", bomb_tar, "more than 67,108,864 bytes behind its end"),
            ("tar with a long header", ".tgz", long_header_tar, "a header of 2,097,152 bytes"),
            ("7z with an encrypted table", ".7z", encrypted_table_7z, "is encrypted; pack it"),
            (
                "7z of two million members in 300 bytes",
                ".7z",
                header_7z(many_files_header(2_000_000), packed=True),
                "no such archive",
            ),
            (
                "7z of more members than it has bytes",
                ".7z",
                header_7z(b"\x01\x05" + _number(1 << 40)),
                "no such archive",
            ),
            (
                "7z of a thousand coders",
                ".7z",
                header_7z(b"\x01\x04\x07\x0b" + _number(1) + b"\0" + _number(1000) + bytes(3000)),
                "no such archive",
            ),
            (
                "7z table of an unknown kind",
                ".7z",
                header_7z(b"\x55" * 50),
                "no such archive",
            ),
            ("zip Latin-1", ".zip", latin1_zip, "no such archive .'utf-8' codec can't decode"),
            ("archives in an archive", ".zip", quine_like_zip, None),
            ("no archive", ".zip", lambda path: path.write_bytes(b"MZ" * 999), "no such archive"),
            ("a folder", ".zip", Path.mkdir, "is no plain file"),
        )
    },
}
