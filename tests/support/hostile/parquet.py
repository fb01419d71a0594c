"""Hostile and broken Parquet files, which ``extract`` opens."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.builders import Project, encode, pixels
from tests.support.hostile.corpus import Input

GOOD = encode(pixels([0], (8, 8, 3))[0])
ROWS = 20
HUGE = 50_000_000
"""Bytes of an image that is compressed to a few."""
IMAGES = pa.array([{"bytes": GOOD, "path": "1.png"}] * ROWS)
LABELS = pa.array([0, 1] * (ROWS // 2))


def _table(
    image: Any = IMAGES, label: Any = LABELS, metadata: dict[str, Any] | None = None, **more: Any
) -> pa.Table:
    table = pa.table({"image": image, "label": label, **more})
    return table.replace_schema_metadata(metadata)


def _file(table: Callable[[], pa.Table], **options: Any) -> Callable[[Path], Any]:
    return lambda path: pq.write_table(table(), path, **options)


def _names(names: Sequence[str]) -> dict[str, str]:
    return {"huggingface": json.dumps({"info": {"features": {"label": {"names": names}}}})}


def _utf8() -> pa.Table:
    offsets = pa.array(range(0, 2 * ROWS + 1, 2), pa.int32()).buffers()[1]
    text = pa.StringArray.from_buffers(ROWS, offsets, pa.py_buffer(b"\xff\xfe" * ROWS))
    return _table(label=text)


def _plain_pages() -> pa.Table:
    """Return 600 MB in what becomes one page: twice as much as a reader's limit has room for."""
    rows = 12
    offsets = pa.array(range(0, (rows + 1) * HUGE, HUGE), pa.int64()).buffers()[1]
    zeros = pa.py_buffer(np.zeros(rows * HUGE, np.uint8))
    image = pa.LargeBinaryArray.from_buffers(pa.large_binary(), rows, [None, offsets, zeros])
    return pa.table({"image": image, "label": [0] * rows})


def _dictionary(kind: pa.DataType, value: Any, rows: int) -> pa.Array:
    indices = pa.array([0] * rows, pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array([value], kind))


def _large_labels() -> pa.Table:
    return _table([GOOD] * 64, _dictionary(pa.string(), "x" * HUGE, 64))


def _large_others() -> pa.Table:
    return _table([GOOD] * 64, [0] * 64, more=_dictionary(pa.string(), "x" * HUGE, 64))


def _long_lists() -> pa.Table:
    values = pa.array([0] * HUGE, pa.int8())
    return pa.table({"image": [GOOD], "label": pa.ListArray.from_arrays([0, HUGE], values)})


def _many_rows(path: Path) -> None:
    """Write two million rows in 20 kB."""
    rows = 2_000_000
    image = _dictionary(pa.binary(), GOOD, rows)
    label = _dictionary(pa.string(), "a", rows)
    pq.write_table(pa.table({"image": image, "label": label}), path, compression="zstd")


def _many_columns() -> pa.Table:
    return _table(**{f"column {number}": pa.nulls(ROWS) for number in range(3000)})


def _huge_footer(path: Path) -> None:
    """Write a footer of 30 MB, which is a list of row groups that are nothing."""
    footer = b"\x15\x02\x19\x2c\x48\x01\x61\x15\x02\0\x15\x02\x25\0\x18\x01\x62\0\x16\x02\x19\xfc"
    footer += b"\x80\xad\xe2\x04" + bytes(30_000_000)
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")


def flipped(path: Path, at: int) -> None:
    """Flip a bit of a good file."""
    pq.write_table(_table(), path)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def lying(path: Path) -> None:
    """Write an uncompressed page whose header promises a gigabyte more than it has."""
    pq.write_table(pa.table({"image": [GOOD], "label": [0]}), path, compression="none")
    content = path.read_bytes()
    # The first page's header: its type, then its length, as zigzag numbers.
    end = content.index(b"\x15", 6)
    path.write_bytes(content[:4] + b"\x15\x04\x15\xfe\xff\xff\xff\x07" + content[end:])


FAR = pa.array([1 << 62] * ROWS, pa.timestamp("us"))
TOO_MUCH = "takes more than 1 GB of memory, or more time"
FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "bytes of numbers": (
        _file(lambda: _table([{"bytes": 1}] * ROWS)),
        r"column image is struct<bytes: int64>, not a struct with bytes",
    ),
    "bytes of text": (_file(lambda: _table([{"bytes": "a"}] * ROWS)), "not a struct with bytes"),
    "bytes of structs": (
        _file(lambda: _table([{"bytes": {"bytes": GOOD}}] * ROWS)),
        "not a struct with bytes",
    ),
    "labels of a far time": (_file(lambda: _table(label=FAR)), "is damaged, or not Parquet"),
    "labels of no UTF-8": (_file(_utf8), "is damaged, or not Parquet .*utf-8"),
    "labels that are lists": (
        _file(lambda: _table(label=[["a" * 9999]] * ROWS)),
        "column label has labels that are neither text nor whole numbers: list<",
    ),
    "labels that are huge lists": (
        _file(_long_lists, compression="zstd"),
        "column label has labels that are neither text nor whole numbers: list<",
    ),
    "labels that are all null": (
        _file(lambda: _table(label=pa.nulls(ROWS))),
        "row 0 has no label",
    ),
    "labels that grow": (_file(_large_labels, compression="zstd"), TOO_MUCH),
    "another column that grows": (_file(_large_others, compression="zstd"), TOO_MUCH),
    "a column twice": (
        _file(lambda: pa.Table.from_arrays([IMAGES, LABELS, LABELS], ["image", "label", "label"])),
        "has column label more than once",
    ),
    "bytes twice": (
        _file(
            lambda: _table(
                pa.StructArray.from_arrays([pa.array([GOOD] * ROWS)] * 2, ["bytes", "bytes"])
            )
        ),
        "is damaged, or not Parquet",
    ),
    "names of classes with surrogates": (
        _file(lambda: _table(metadata=_names(["a", "\ud800"]))),
        "the class '.ud800' of label is no Unicode text",
    ),
    "names of classes twice": (
        _file(lambda: _table(metadata=_names(["a", "a"]))),
        "the class 'a' of label stands there twice",
    ),
    "fewer names than numbers": (
        _file(lambda: _table(metadata=_names(["a"]))),
        "has the label 1, but only 1 classes have names",
    ),
    "a dictionary that grows": (
        _file(
            lambda: pa.table(
                {"image": _dictionary(pa.binary(), bytes(HUGE), 64), "label": [0] * 64}
            ),
            compression="zstd",
        ),
        TOO_MUCH,
    ),
    "pages that grow": (
        _file(_plain_pages, use_dictionary=False, compression="zstd", write_statistics=False),
        TOO_MUCH,
    ),
    "pages that lie": (lying, f"{TOO_MUCH}|is damaged, or not Parquet"),
    "two million rows": (_many_rows, "has more than 100,000 rows, one for 16 bytes"),
    "columns by the thousand, without images": (
        _file(lambda: _many_columns().drop_columns(["image"])),
        "has no column image",
    ),
    "a huge footer": (_huge_footer, f"{TOO_MUCH}|is damaged, or not Parquet"),
    "an encrypted footer": (
        lambda path: path.write_bytes(b"PARE" + bytes(100) + b"\x20\0\0\0PARE"),
        "is damaged, or not Parquet",
    ),
}
"""Writers of files, and what the one line of the error says."""


SLOW = {
    "labels that grow",
    *("labels that are huge lists", "another column that grows", "pages that grow"),
    "two million rows",
}
"""Those that take seconds to make or to read."""


def _put(write: Callable[[Path], Any]) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        write(project.folder / "data" / "raw" / "tiny_png" / "a.parquet")
        project.set("datasets.tiny_png.kind", "parquet")
        project.set("datasets.tiny_png.extract", {"train": ["a.parquet"], "part_rows": 10})

    return put


CORPUS = ("labels that grow", "a dictionary that grows", "pages that grow", "a huge footer")
INPUTS: dict[str, Input] = {
    f"Parquet with {name}": Input("extract", "tiny_png", _put(FILES[name][0]), FILES[name][1])
    for name in CORPUS
}
