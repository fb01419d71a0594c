"""Parquet files of strangers, which a process of its own reads, within limits."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa

from pipeline.core import files, limits
from pipeline.core.errors import DataError
from pipeline.extract.parquet_child import ERROR, READING

CHILD = "pipeline.extract.parquet_child"
ADDRESSES = 1_000_000_000
"""Bytes of addresses of the process, of which the libraries take 300 MB."""
SECONDS = 20
"""Of its processor, beside those for the files' bytes."""
BYTES_A_SECOND = 10_000_000
LONGEST_DESCRIPTION = 1 << 24
"""Bytes of what is said of all files' columns."""


class Row(NamedTuple):
    """A row of a file."""

    file: int
    """The file's position among those that are read."""
    content: bytes
    """The encoded image."""
    label: str
    """The class's name; ``""`` where no column of labels is read."""
    others: list[str]
    """Values of other columns, as text."""


class Described(NamedTuple):
    """The columns of a file."""

    names: list[str]
    """Of all columns, in order."""
    images: list[str]
    """Those of encoded images; these and the next are of columns whose names stand there once."""
    lists: list[str]
    plain: list[str]
    """Those of text, numbers and the like."""
    classes: dict[str, list[str]]
    """The classes' names by Hugging Face's metadata, by the column."""


def describe(paths: Sequence[Path]) -> list[Described]:
    """Return what columns files have; raises as ``rows``."""
    with _reading(paths, "describe") as stream:
        content = stream.read(LONGEST_DESCRIPTION)
        if len(content) == LONGEST_DESCRIPTION:
            raise DataError(f"{paths[0]}: the names of its columns and classes are too many")
    return [Described(**one) for one in json.loads(content)]


def texts(paths: Sequence[Path], columns: Sequence[str]) -> Iterator[list[list[str]]]:
    """Yield columns as text, some rows at a time; raises as ``rows``."""
    for batch in _batches(paths, "texts", columns=columns):
        yield [column.to_pylist() for column in batch.columns]


def rows(
    paths: Sequence[Path], image: str, label: str | None, others: Sequence[str] = ()
) -> Iterator[Row]:
    """Yield the rows of files, one file after another.

    Parameters
    ----------
    paths : sequence of Path
    image : str
        Name of the column of images.
    label : str, optional
        Name of the column of labels.
    others : sequence of str
        Names of other columns to read.

    Raises
    ------
    DataError
        If a file is not Parquet, lacks a column or has one twice, has a row without image or label,
        or takes more memory or time to read than it may.
    """
    for batch in _batches(paths, "rows", image=image, label=label, others=others):
        numbers, contents, labels, *columns = (column.to_pylist() for column in batch.columns)
        for row, content in enumerate(contents):
            yield Row(numbers[row], content, labels[row], [column[row] for column in columns])


def _batches(paths: Sequence[Path], do: str, **asked: Any) -> Iterator[pa.RecordBatch]:
    damaged = None
    with _reading(paths, do, **asked) as stream:
        try:
            with pa.ipc.open_stream(stream) as reader:
                yield from reader
        except pa.ArrowInvalid as error:  # the process ended within a batch: its status says why
            damaged = error
    if damaged is not None:
        raise damaged


@contextmanager
def _reading(paths: Sequence[Path], do: str, **asked: Any) -> Iterator[IO[bytes]]:
    """Let a process read files, and yield what it prints; raises as ``rows``."""
    length = sum(files.existing(path, "download").stat().st_size for path in paths)
    request = {"do": do, "folder": str(Path.cwd()), "paths": list(map(str, paths)), **asked}
    seconds = SECONDS + length // BYTES_A_SECOND
    try:
        with limits.streaming(
            CHILD, json.dumps(request), seconds=seconds, addresses=ADDRESSES
        ) as stream:
            yield stream
    except limits.ChildError as error:
        raise DataError(_fault(paths, error.said)) from None


def _fault(paths: Sequence[Path], said: str) -> str:
    """Return what is wrong with a file, by what the process said last."""
    lines = said.splitlines()
    if lines and lines[-1].startswith(ERROR):
        return lines[-1].removeprefix(ERROR)
    read = [line.removeprefix(READING) for line in lines if line.startswith(READING)]
    path = paths[int(read[-1])] if read else paths[0]
    return (
        f"{path}: takes more than {ADDRESSES / 1e9:.0f} GB of memory, or more time than a file of "
        "its length, to read; it is damaged, or not meant to be read: of a good one, write it with "
        "row groups of 100 images"
    )
