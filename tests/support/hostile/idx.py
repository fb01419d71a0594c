"""Hostile and broken IDX files, which ``extract`` opens."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.images import idx
from tests.support.builders import IDX_FILES, Project
from tests.support.hostile.corpus import Input

PIXELS = struct.pack(">3I", 30, 8, 8)
IMAGES, LABELS = (IDX_FILES["train"][what] for what in ("images", "labels"))


def _file(name: str, content: bytes | Callable[[Path], Any]) -> Callable[[Project], None]:
    """Return a function that replaces a published file of ``tiny_idx``."""

    def put(project: Project) -> None:
        path = project.folder / "data" / "raw" / "tiny_idx" / name
        path.unlink()
        if callable(content):
            content(path)
        else:
            path.write_bytes(content)

    return put


def _idx(header: bytes, body: bytes = b"") -> Callable[[Project], None]:
    return _file(IMAGES, gzip.compress(header + body, mtime=0))


def gzip_bomb(path: Path) -> None:
    """Write an IDX file of one image and then 100 MB."""
    with path.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as stream:
        stream.write(idx.dumps(np.zeros((1, 8, 8), np.uint8)))
        for _ in range(100):
            stream.write(bytes(1 << 20))


INPUTS: dict[str, Input] = {
    **{
        name: Input("extract", "tiny_idx", put, ends)
        for name, put, ends in (
            ("gzip bomb", _file(IMAGES, gzip_bomb), "holds more than the 80 bytes of its header"),
            (
                "IDX of a terabyte",
                _idx(b"\0\0\x08\x03" + struct.pack(">3I", 1 << 20, 1024, 1024)),
                r"above 20,000,000,000 \(extract.max_bytes\)",
            ),
            (
                "IDX of a gigabyte in a few bytes",
                _idx(b"\0\0\x08\x03" + struct.pack(">3I", 1 << 20, 32, 32)),
                "far more than its own",
            ),
            (
                "IDX of a million images without pixels",
                _idx(b"\0\0\x08\x03" + struct.pack(">3I", 4_000_000_000, 0, 0)),
                "promises 4,000,000,000 rows",
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
}
