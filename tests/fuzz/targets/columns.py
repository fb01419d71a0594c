"""Parquet files of strangers, shards, and tables of labels."""

import io
import signal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from pipeline.core import limits
from pipeline.extract import parquet_child, parts, tables
from pipeline.extract.tables import LabelFile
from pipeline.labels import table
from pipeline.shards import shard
from pipeline.shards.columns import schema
from tests.fuzz.target import Target
from tests.support.builders import CLASSES, encode, parquet_file, pixels
from tests.support.shards import SHAPE, write

MEMORY = 400_000_000
"""Bytes, so that the fuzzer's own limit is not met first."""


def read_parquet(content: bytes, folder: Path) -> None:
    """Do what the process does that reads a stranger's file."""
    path = folder / "a.parquet"
    path.write_bytes(content)
    try:
        with limits.memory(path, MEMORY):
            parquet_child.describe(io.BytesIO(), [str(path)])
            parquet_child.rows(io.BytesIO(), [str(path)], "image", "label", ["place"])
            parquet_child.texts(io.BytesIO(), [str(path)], ["label", "place"])
    finally:
        signal.alarm(0)


def seed_parquet(folder: Path) -> None:
    """Files with and without names of classes."""
    images = [encode(one) for one in pixels([0, 1, 2], (8, 8, 3))]
    place = ["p", None, "q"]
    for number, classes in enumerate((None, CLASSES)):
        parquet_file(folder / f"{number}", images, [0, 1, 2], classes, place=place)
    parquet_file(folder / "2", images, ["a", "b", "a"], None, place=[0.5, 1.5, None])


def read_part(content: bytes, folder: Path) -> None:
    """Read a part, as ``decode`` does."""
    path = folder / "part-00000.parquet"
    path.write_bytes(content)
    with limits.memory(path, MEMORY):
        parts.names(path)
        for names, contents in parts.read(path, 3):
            assert len(names) == len(contents)


def seed_part(folder: Path) -> None:
    """Some members."""
    parts.write([(f"{n}.png", bytes([n]) * n) for n in range(9)], folder, 100)


def read_shard(suffix: str) -> Callable[[bytes, Path], None]:
    """Return a reader of shards of a format."""

    def read(content: bytes, folder: Path) -> None:
        path = folder / f"part.{suffix}"
        path.write_bytes(content)
        with limits.memory(path, MEMORY):
            shard.identity(path)
            for name in ("position", "sha256", "pixel_sum"):
                kind: pa.DataType = schema(len(CLASSES), SHAPE).field(name).type
                shard.column(path, name, kind)
            for images in shard.images(path, SHAPE):
                assert images.shape[1:] == SHAPE

    return read


def seed_shard(suffix: str) -> Callable[[Path], None]:
    """Return a writer of a shard of a format."""

    def seed(folder: Path) -> None:
        write(folder, suffix)

    return seed


def read_table(content: bytes, folder: Path) -> None:
    """Read tables as CSV and as JSON lines, and the one that they become."""
    path = folder / "labels.csv"
    for form in ("csv", "jsonl"):
        like = LabelFile.model_validate({"file": "t", "format": form, "strip": True})
        try:
            tables.write([(like, content)], path)
            table.columns(path)
        finally:
            path.unlink(missing_ok=True)
    path.write_bytes(content)
    table.read(path, table.LabelColumns(), CLASSES)


def seed_table(folder: Path) -> None:
    """One table in both forms."""
    (folder / "csv").write_bytes(b'id,label\n1,cat\n2,"dog"\n')
    (folder / "jsonl").write_bytes(b'{"id": 1, "label": "cat"}\n{"id": 2, "label": [1.5, null]}\n')


TARGETS = {
    "parquet": Target(read_parquet, seed_parquet),
    "part": Target(read_part, seed_part),
    "parquet-shard": Target(read_shard("parquet"), seed_shard("parquet")),
    "npz": Target(read_shard("npz"), seed_shard("npz")),
    "table": Target(read_table, seed_table),
}
