"""Hostile and broken inputs, each made from scratch: what a stranger may hand to a stage.

``INPUTS`` is the corpus: for each the stage that meets it, a function that puts it into a project
(``tests.builders.Project``) in which the earlier stages have run, and how it ends: a pattern that
the one line of the error has, or None where the stage takes it, as ``docs/security.md`` says.
"""

import gzip
import io
import json
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pipeline.images import idx
from tests.support.builders import (
    CLASSES,
    IDX_FILES,
    Project,
    encode,
    pixels,
    png,
    write_7z,
    write_tar,
    write_zip,
)

SHAPE = (8, 8, 3)
GOOD = encode(pixels([0], SHAPE)[0])
LADDER = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
HUGE = 60_000


class Input(NamedTuple):
    """An input of the corpus."""

    stage: str
    dataset: str
    put: Callable[[Project], Any]
    ends: str | None


# Images


def huge_png() -> bytes:
    """A few bytes that declare 10.8 GB of pixels."""
    return png(HUGE, HUGE, 8, 2, [bytes(100)])


def huge_bmp() -> bytes:
    content = bytearray(saved("BMP"))
    content[18:26] = struct.pack("<ii", HUGE, HUGE)
    return bytes(content)


def huge_jpeg() -> bytes:
    content = bytearray(saved("JPEG"))
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = struct.pack(">HH", HUGE, HUGE)
    return bytes(content)


def bomb_png() -> bytes:
    """A PNG of the declared size whose data unzip to 100 MB."""
    packer = zlib.compressobj()
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    return _with_chunk(png(8, 8, 8, 2, []), b"IDAT", data)


def text_bomb_png() -> bytes:
    """A comment that unzips to 100 MB."""
    data = b"Comment\0\0" + zlib.compress(bytes(100 << 20), 9)
    chunk = _chunk(b"zTXt", data)
    return GOOD[:33] + chunk + GOOD[33:]


def many_chunks_png() -> bytes:
    return GOOD[:33] + _chunk(b"tEXt", b"a\0b") * 200_000 + GOOD[33:]


def wrong_crc_png() -> bytes:
    content = bytearray(GOOD)
    start = content.index(b"IDAT")
    length = int.from_bytes(content[start - 4 : start], "big")
    content[start + 4 + length] ^= 1
    return bytes(content)


def transparent_png() -> bytes:
    return png(8, 8, 8, 2, [bytes(24)] * 8, (b"tRNS", bytes(6)))


def interlaced_png() -> bytes:
    """``LADDER`` in the seven passes of Adam7."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in [*passes, (1, 0, 2, 1)]
        for row in LADDER[top::down, left::right]
    )
    content = bytearray(_with_chunk(png(8, 8, 8, 0, []), b"IDAT", zlib.compress(rows)))
    content[28] = 1
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def saved(format_: str, mode: str = "RGB", frames: int = 1, **options: Any) -> bytes:
    """An 8x8 image of some frames as Pillow writes it."""
    images = [Image.fromarray(pixels([n], SHAPE, seed=n)[0]).convert(mode) for n in range(frames)]
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(stream, format_, **more, **options)
    return stream.getvalue()


def rotated_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # by a quarter to the right
    return saved("JPEG", exif=exif)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def _with_chunk(content: bytes, name: bytes, data: bytes) -> bytes:
    """A PNG with its only chunk of that name replaced."""
    start = content.index(name) - 4
    length = int.from_bytes(content[start : start + 4], "big")
    return content[:start] + _chunk(name, data) + content[start + 12 + length :]


def _image(content: bytes) -> Callable[[Project], None]:
    """Put an image between two good ones."""
    return _images([("train/1.png", GOOD), ("train/2.png", content), ("train/3.png", GOOD)])


def _images(members: list[tuple[str, bytes]], rows: str | None = None) -> Callable[[Project], None]:
    """Put members into the extracted archive, and rows of labels."""

    def put(project: Project) -> None:
        folder = project.folder / "data" / "extracted" / "tiny_png"
        for path in folder.glob("part-*"):
            path.unlink()
        names = pa.array([name for name, _ in members])
        table = pa.table({"name": names, "bytes": pa.array([c for _, c in members], pa.binary())})
        pq.write_table(table, folder / "part-00000.parquet")
        text = rows or "".join(f"{number + 1},cat\n" for number in range(len(members)))
        (folder / "labels.csv").write_text("id,label\n" + text)

    return put


def _labels(content: bytes) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        (project.folder / "data" / "extracted" / "tiny_png" / "labels.csv").write_bytes(content)

    return put


def _many_columns(project: Project) -> None:
    header = ",".join(f"c{number}" for number in range(100_000))
    _labels(f"id,label,{header}\n1,cat\n".encode())(project)


def _million_columns(project: Project) -> None:
    _labels(b"id,label" + b"," * 999_998 + b"\n1,cat" + b"," * 999_998)(project)


def _long_line(project: Project) -> None:
    path = project.folder / "data" / "extracted" / "tiny_png" / "labels.csv"
    with path.open("wb") as file:
        file.write(b"id,label\n1,")
        file.truncate(2_000_000_000)  # of NULs, on no disk


# Archives


def _archive(suffix: str, write: Callable[[Path], Any]) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        name = f"hostile{suffix}"
        write(project.folder / "data" / "raw" / "tiny_png" / name)
        project.set("datasets.tiny_png.extract.archive", name)
        project.set("datasets.tiny_png.extract.members", "*")

    return put


def _member(suffix: str, name: str) -> Callable[[Project], None]:
    write = {".7z": write_7z, ".zip": write_zip, ".tgz": write_tar}[suffix]
    return _archive(suffix, lambda path: write(path, [("good.png", b"1"), (name, b"2")]))


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
    """A name that is said to be UTF-8, and is not."""
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
    """45 kB that open to 300 MB, in members each below the limit."""
    members = ((f"{number}.png", bytes(32 << 20)) for number in range(9))
    write_7z(path, members, filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}])


def bomb_zip(path: Path) -> None:
    """300 kB that open to 300 MB."""
    write_zip(path, [(f"{number}.png", bytes(32 << 20)) for number in range(9)])


def overlapping_zip(path: Path) -> None:
    """Thousands of members that are all the same bytes (after Fifield, 2019)."""
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
    """A tar of one empty member, and behind its end 100 MB of nothing."""
    with path.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as stream:
        info = tarfile.TarInfo("a.png")
        stream.write(info.tobuf() + bytes(1024))
        for _ in range(100):
            stream.write(bytes(1 << 20))


def quine_like_zip(path: Path) -> None:
    """Archives in an archive: data like any other."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.zip", bytes(1 << 20))
    write_zip(path, [("train/1.png", inner.getvalue())])


def header_7z(header: bytes, packed: bool = False) -> Callable[[Path], None]:
    """A .7z of nothing but a table of members, as it is or (``packed``) compressed by LZMA."""

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
    """7z's own way to write a number."""
    return b"\xff" + value.to_bytes(8, "little")


def many_files_header(count: int) -> bytes:
    """A table of so many empty files, each with an empty name."""
    names = b"\0" + bytes(2 * count)
    return b"\x01\x05" + _number(count) + b"\x11" + _number(len(names)) + names + b"\x00\x00"


def _file(name: str, content: bytes | Callable[[Path], Any]) -> Callable[[Project], None]:
    """Put a published file of ``tiny_idx``, or what a function makes in its place."""

    def put(project: Project) -> None:
        path = project.folder / "data" / "raw" / "tiny_idx" / name
        path.unlink()
        if callable(content):
            content(path)
        else:
            path.write_bytes(content)

    return put


IMAGES, LABELS = (IDX_FILES["train"][what] for what in ("images", "labels"))


def _idx(header: bytes, body: bytes = b"") -> Callable[[Project], None]:
    return _file(IMAGES, gzip.compress(header + body, mtime=0))


def gzip_bomb(path: Path) -> None:
    """An IDX file of one image and then 100 MB."""
    with path.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as stream:
        stream.write(idx.dumps(np.zeros((1, 8, 8), np.uint8)))
        for _ in range(100):
            stream.write(bytes(1 << 20))


# Later files


def _param(key: str, value: Any) -> Callable[[Project], None]:
    return lambda project: project.set(key, value)


def _text(text: str) -> Callable[[Project], None]:
    return lambda project: (project.folder / "params.yaml").write_text(text)


def _shard(name: str, content: Callable[[bytes], bytes]) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        path = project.folder / "data" / "shards" / "tiny_png" / name
        path.write_bytes(content(path.read_bytes()))

    return put


def _index(**changes: Any) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        path = project.folder / "data" / "shards" / "tiny_png" / "index.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return put


def _elsewhere(project: Project) -> None:
    path = project.folder / "data" / "shards" / "tiny_png" / "index.json"
    value = json.loads(path.read_text())
    value["files"][0]["name"] = "../../../../etc/passwd"
    path.write_text(json.dumps(value))


def _pickled(project: Project) -> None:
    """A shard in NPZ whose labels are a pickle that would write a file."""

    class Trap:
        def __reduce__(self) -> Any:
            return os.system, ("touch pwned",)

    folder = project.folder / "data" / "shards" / "tiny_png"
    value = json.loads((folder / "index.json").read_text())
    value["format"] = "npz"
    for file in value["files"]:
        file["name"] = file["name"].replace(".parquet", ".npz")
        np.savez(folder / file["name"], label=np.array([Trap()], object), id=np.array(["1"]))
    (folder / "index.json").write_text(json.dumps(value))


PIXELS = struct.pack(">3I", 30, 8, 8)
LINK_CLASS = '<img src=x onerror="alert(1)">'

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
    # IDX
    **{
        name: Input("extract", "tiny_idx", put, ends)
        for name, put, ends in (
            ("gzip bomb", _file(IMAGES, gzip_bomb), "holds more than the 80 bytes of its header"),
            (
                "IDX of a terabyte",
                _idx(b"\0\0\x08\x03" + struct.pack(">3I", 1 << 20, 1024, 1024)),
                r"above 20,000,000,000 \(extract.max_bytes\)",
            ),
            ("IDX of rank 255", _idx(b"\0\0\x08\xff", bytes(4 * 255)), "IDX rank 255 is above"),
            ("IDX of rank 0", _idx(b"\0\0\x08\x00", b"1"), "holds a single number"),
            (
                "IDX of an overflowing shape",
                _idx(b"\0\0\x0e\x04" + b"\xff" * 16),
                "is above what NumPy can hold",
            ),
            ("IDX of no pixels", _idx(b"\0\0\x08\x03" + struct.pack(">3I", 30, 0, 8)), None),
            ("IDX of an unknown type", _idx(b"\0\0\x07\x03" + PIXELS), "unknown IDX type 0x07"),
            ("IDX cut short", _idx(b"\0\0\x08\x03" + PIXELS, bytes(100)), "the file has 116"),
            ("IDX header cut short", _idx(b"\0\0\x08\x03\0\0"), "truncated in its header"),
            ("no gzip", _file(IMAGES, b"\0\0\x08\x03" + PIXELS), "not gzip"),
            ("a FIFO", _file(LABELS, os.mkfifo), "is no plain file"),
        )
    },
    # Images
    **{
        name: Input("decode", "tiny_png", _image(content()), ends)
        for name, content, ends in (
            ("PNG of 60000x60000", huge_png, "'train/2.png' is 60000x60000 pixels, not 8x8"),
            ("BMP of 60000x60000", huge_bmp, "is 60000x60000 pixels"),
            ("JPEG of 60000x60000", huge_jpeg, "is 60000x60000 pixels"),
            ("PNG with a wrong checksum", wrong_crc_png, "cannot be decoded"),
            *(
                (f"{name} cut short", lambda name=name: saved(name)[:-9], "cannot be decoded")
                for name in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
            ),
            ("PNG whose data are a bomb", bomb_png, None),
            ("PNG whose comment is a bomb", text_bomb_png, None),
            ("PNG of 200,000 chunks", many_chunks_png, None),
            ("PNG with a transparent colour", transparent_png, "has a transparent colour"),
            ("PNG, interlaced", interlaced_png, None),
            ("PNG with alpha", lambda: saved("PNG", "RGBA"), "has an alpha channel"),
            ("PNG with a palette", lambda: saved("PNG", "P"), "has a palette"),
            ("PNG of 16 bits", lambda: encode(pixels([0], SHAPE, 16)[0]), "is of type uint16"),
            ("PNG of 1 bit", lambda: saved("PNG", "1"), None),
            ("PNG, animated", lambda: saved("PNG", frames=2), "is animated"),
            ("WebP, animated", lambda: saved("WEBP", frames=2), "has several frames"),
            ("TIFF of two pages", lambda: saved("TIFF", frames=2), "has several frames"),
            ("GIF", lambda: saved("GIF", "P"), "has a palette"),
            ("JPEG in CMYK", lambda: saved("JPEG", "CMYK"), "is CMYK, not RGB or grey"),
            ("JPEG that Exif rotates", rotated_jpeg, None),
            ("JPEG, progressive", lambda: saved("JPEG", progressive=True), None),
            ("TIFF in LAB", lambda: saved("TIFF", "LAB"), "is LAB, not RGB or grey"),
            ("JPEG 2000", lambda: saved("JPEG2000"), "is JPEG2000, not one of PNG"),
            ("SVG", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "cannot be decoded"),
            ("an image of no bytes", lambda: b"", "cannot be decoded"),
            ("a zip for an image", lambda: b"PK\3\4" + bytes(100), "cannot be decoded"),
        )
    },
    "terminal escapes in a name": Input(
        "decode",
        "tiny_png",
        _images([("\x1b]0;pwned\x07\x1b[31m.png", b"")], "\x1b]0;pwned\x07\x1b[31m,cat\n"),
        "cannot be decoded",
    ),
    # Tables of labels
    **{
        name: Input("decode", "tiny_png", put, ends)
        for name, put, ends in (
            ("CSV of 100,000 columns", _many_columns, "has 100,002 columns, above 1,000"),
            ("CSV of a million columns", _million_columns, "has 1,000,000 columns, above 1,000"),
            ("CSV with a line of 2 GB", _long_line, "has a line above 1,048,576 bytes"),
            ("CSV of no UTF-8", _labels(b"id,label\n1,caf\xe9\n"), "is not a CSV table in UTF-8"),
            ("CSV in UTF-16", _labels("id,label\n1,cat\n".encode("utf-16")), "not a CSV table in"),
            ("CSV with a column twice", _labels(b"id,label,id\n1,cat,2\n"), "column id more than"),
            ("CSV with NULs", _labels(b"id,label\n1,c\0t\n"), "unknown class"),
            ("CSV with an open quote", _labels(b'id,label\n1,"cat\n'), "is not a CSV table"),
            (
                "CSV with a formula",
                _labels(b'id,label\n1,"=HYPERLINK(""http://x"")"\n'),
                "unknown class '=HYPERLINK",
            ),
            ("CSV of escapes", _labels(b"id,label\n1,\x1b[2J\x07\n"), "unknown class '.x1b"),
            ("CSV of nothing", _labels(b""), "it has no header"),
            ("CSV of a header alone", _labels(b"id,label\n"), "has no rows below its header"),
        )
    },
    # Shards that were tampered with
    **{
        name: Input("split", "tiny_png", put, ends)
        for name, put, ends in (
            ("an index that leads elsewhere", _elsewhere, r"index.json: files.0.name"),
            ("a pickle in a shard", _pickled, "is damaged"),
            ("a shard cut short", _shard("part-00000.parquet", lambda c: c[:200]), "is damaged"),
            ("a shard of noise", _shard("part-00000.parquet", lambda c: b"PAR1" * 9), "is damaged"),
            ("an index of another version", _index(version=99), "version 99 is not 1"),
            ("an index of a huge shape", _index(shape=[1 << 40, 8, 3]), "is damaged|index.json"),
            ("an index nested deeply", _shard("index.json", lambda c: b"[" * 100_000), "not valid"),
        )
    },
    # Parameters
    **{
        name: Input("check", "", put, ends)
        for name, put, ends in (
            ("YAML nested deeply", _text("a: " + "[" * 100_000), "is nested too deeply"),
            (
                "YAML of a billion laughs",
                _text("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]"),
                "has an alias",
            ),
            ("YAML that makes objects", _text("!!python/object/apply:os.system [ls]"), "not valid"),
            (
                "a run that leads elsewhere",
                _param("runs", {"../../x": {"dataset": "tiny_png"}}),
                "runs",
            ),
            (
                "a file that leads elsewhere",
                _param("datasets.tiny_png.extract.archive", "../../../etc/passwd"),
                "datasets.tiny_png.extract.archive",
            ),
            (
                "a class of HTML",
                _param("datasets.tiny_png.decode.classes", [*CLASSES, LINK_CLASS]),
                None,
            ),
        )
    },
}  # fmt: skip
