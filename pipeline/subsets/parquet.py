"""Parquet files of a few plain columns, which stages write and read: their strict reader."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core import errors, files, limits

LEAST = 512 << 20
"""Bytes of memory that reading a file may take in any case."""
FACTOR = 8
"""Bytes of memory for each byte of a large file."""


def read(path: Path, stage: str, fault: Callable[[pa.Schema], str]) -> pa.Table:
    """Read a table whose columns are as declared, and all of whose rows have values.

    Parameters
    ----------
    path : Path
    stage : str
        The stage that writes it.
    fault : callable
        Returns what is wrong with the columns' names and types, ``""`` if nothing is. It is asked
        before anything else is read.

    Raises
    ------
    DataError
        If the file is missing or damaged, takes too much memory for its length, or ``fault`` finds
        one; or if values are missing or are no UTF-8.
    """
    files.existing(path, stage)
    allowed = max(LEAST, FACTOR * path.stat().st_size)
    with (
        errors.one_line(path, "delete it and run dvc repro"),
        limits.memory(path, allowed),
        files.open_regular(path) as content,
        pq.ParquetFile(content) as file,
    ):
        if found := fault(file.schema_arrow):
            raise ValueError(found)
        # One thread, in which running out of memory is an error; in others it would be a crash.
        table = file.read(use_threads=False)
        table.validate(full=True)
        for name in table.column_names:
            if table[name].null_count:
                raise ValueError(f"its column {name} has rows without a value")
    return table


def differs(found: pa.Schema, expected: pa.Schema) -> str:
    """Return how the columns of a file differ from those expected; ``""`` if they do not."""
    if found.names != expected.names:
        return f"its columns are {errors.first_few(found.names)}, not {', '.join(expected.names)}"
    for field in expected:
        if (kind := found.field(field.name).type) != field.type:
            return f"its column {field.name} is of type {errors.shown(str(kind))}, not {field.type}"
    return ""
