"""Hostile and broken images, which ``decode`` meets in an extracted archive."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tests.support.builders import Project, encode, pixels, png
from tests.support.hostile.corpus import Input

SHAPE = (8, 8, 3)
GOOD = encode(pixels([0], SHAPE)[0])
LADDER = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
HUGE = 60_000


def huge_png() -> bytes:
    """Return a PNG of a few bytes that declares 10.8 GB of pixels."""
    return png(HUGE, HUGE, 8, 2, [bytes(100)])


def huge_bmp() -> bytes:
    """Return a BMP that declares 10.8 GB of pixels."""
    content = bytearray(saved("BMP"))
    content[18:26] = struct.pack("<ii", HUGE, HUGE)
    return bytes(content)


def huge_jpeg() -> bytes:
    """Return a JPEG that declares 10.8 GB of pixels."""
    content = bytearray(saved("JPEG"))
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = struct.pack(">HH", HUGE, HUGE)
    return bytes(content)


def bomb_png() -> bytes:
    """Return a PNG of 8x8 whose data unzip to 100 MB."""
    packer = zlib.compressobj()
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()
    return _with_chunk(png(8, 8, 8, 2, []), b"IDAT", data)


def text_bomb_png() -> bytes:
    """Return a PNG whose comment unzips to 100 MB."""
    data = b"Comment\0\0" + zlib.compress(bytes(100 << 20), 9)
    chunk = _chunk(b"zTXt", data)
    return GOOD[:33] + chunk + GOOD[33:]


def profile_bomb_png() -> bytes:
    """Return a PNG whose profile of colours unzips to 100 MB."""
    return GOOD[:33] + _chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100 << 20), 9)) + GOOD[33:]


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
    """Return ``LADDER`` as a PNG, interlaced in the seven passes of Adam7."""
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
    """Return an 8x8 image of so many frames as Pillow writes it."""
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
    """Return a PNG with its only chunk of that name replaced."""
    start = content.index(name) - 4
    length = int.from_bytes(content[start : start + 4], "big")
    return content[:start] + _chunk(name, data) + content[start + 12 + length :]


def tiff(more: dict[int, list[int]] | None = None, order: str = "<") -> bytes:
    """Return a TIFF of 8x8 pixels with ``more`` tags, or other values of them."""
    tags = {256: [8], 257: [8], 258: [8] * 3, 259: [1], 262: [2], 273: [8], 277: [3], 278: [8]}
    tags = dict(sorted({**tags, 279: [192], **(more or {})}.items()))
    start = 8 + 192
    beyond, entries = start + 2 + 12 * len(tags) + 4, b""
    values = b""
    for tag, numbers in tags.items():
        own = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(own) > 4:
            own, values = struct.pack(f"{order}I", beyond + len(values)), values + own
        entries += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + own
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    count = struct.pack(f"{order}H", len(tags))
    return head + bytes(192) + count + entries + bytes(4) + values


def cut_jpeg() -> bytes:
    """Return a JPEG cut within its data, with an end mark."""
    content = saved("JPEG")
    return content[: content.index(b"\xff\xda") + 18] + b"\xff\xd9"


def thin_png() -> bytes:
    """Return a PNG of 1,000,000x1 pixels."""
    return png(1_000_000, 1, 8, 0, [bytes(1_000_000)])


def _cropped(content: Callable[[], bytes]) -> Callable[[Project], None]:
    put = _image(content)

    def cropped(project: Project) -> None:
        project.set("datasets.tiny_png.decode.resize", "crop")
        put(project)

    return cropped


def _image(content: Callable[[], bytes]) -> Callable[[Project], None]:
    """Return a function that makes an image, and puts it between two good ones."""

    def put(project: Project) -> None:
        members = [("train/1.png", GOOD), ("train/2.png", content()), ("train/3.png", GOOD)]
        _images(members)(project)

    return put


def _images(members: list[tuple[str, bytes]], rows: str | None = None) -> Callable[[Project], None]:
    """Return a function that puts members and rows of labels into the extracted archive."""

    def put(project: Project) -> None:
        folder = project.folder / "data" / "extracted" / "tiny_png"
        for path in folder.glob("part-*"):
            path.unlink()
        names = pa.array([name for name, _ in members])
        table = pa.table({"name": names, "bytes": pa.array([c for _, c in members], pa.binary())})
        pq.write_table(table, folder / "part-00000.parquet", compression="none")
        text = rows or "".join(f"{number + 1},cat\n" for number in range(len(members)))
        (folder / "labels.csv").write_text("id,label\n" + text)

    return put


INPUTS: dict[str, Input] = {
    **{
        name: Input("decode", "tiny_png", _image(content), ends)
        for name, content, ends in (
            ("PNG of 60000x60000", huge_png, "'train/2.png' is 60000x60000 pixels, not 8x8"),
            ("BMP of 60000x60000", huge_bmp, "is 60000x60000 pixels"),
            ("JPEG of 60000x60000", huge_jpeg, "is 60000x60000 pixels"),
            ("PNG with a wrong checksum", wrong_crc_png, "cannot be decoded"),
            *(
                (f"{name} cut short", lambda name=name: saved(name)[:-9], "cannot be decoded")
                for name in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
            ),
            ("PNG whose data are a bomb", bomb_png, "has data of more pixels than its header"),
            (
                "PNG with a chunk of 4 GB that is not there",
                lambda: GOOD[:33] + b"\xff\xff\xff\xffIDAT" + bytes(400),
                "cannot be decoded",
            ),
            ("PNG with a profile that is a bomb", profile_bomb_png, None),
            ("JPEG cut in its data, with an end mark", cut_jpeg, "for it ends too early"),
            (
                "JPEG of 12 MB of empty segments",
                lambda: saved("JPEG")[:2] + b"\xff\xe5\0\2" * 3_000_000 + saved("JPEG")[2:],
                "has more than 2,000 segments before its pixels",
            ),
            ("TIFF of a million strips", lambda: tiff({273: [8] * 10**6}), "is in 1,000,000 p"),
            ("TIFF of 60,000 samples", lambda: tiff({277: [60_000]}), "cannot be decoded"),
            ("TIFF of huge tiles", lambda: tiff({322: [60_000], 323: [60_000]}), "has tiles of"),
            (
                "PGM with a comment of 5 MB",
                lambda: b"P5 #" + bytes(5 << 20) + b"\n8 8 255\n" + bytes(64),
                "cannot be decoded",
            ),
            ("SunRaster", lambda: b"\x59\xa6\x6a\x95" + bytes(300), "is SUN, not one of"),
            ("HDR", lambda: b"#?RADIANCE\n\n-Y 8 +X 8\n" + bytes(256), "cannot be decoded"),
            ("PFM", lambda: b"Pf\n8 8\n-1.0\n" + bytes(256), "cannot be decoded"),
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
            ("JPEG 2000", lambda: saved("JPEG2000"), None),
            ("ICO", lambda: saved("ICO"), "is ICO, not one of AVIF"),
            ("SVG", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "cannot be decoded"),
            ("an image of no bytes", lambda: b"", "is empty"),
            ("a zip for an image", lambda: b"PK\3\4" + bytes(100), "cannot be decoded"),
        )
    },
    "PNG of 1,000,000x1, cropped": Input("decode", "tiny_png", _cropped(thin_png), None),
    "terminal escapes in a name": Input(
        "decode",
        "tiny_png",
        _images([("\x1b]0;pwned\x07\x1b[31m.png", b"")], "\x1b]0;pwned\x07\x1b[31m,cat\n"),
        "is empty",
    ),
}
