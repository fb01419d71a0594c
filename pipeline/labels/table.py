"""Tables of labels: CSV files that give each image's id its class, and their join with images."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.core import files
from pipeline.core.errors import DataError, first_few
from pipeline.core.params import Section

CHUNK_ROWS = 100_000
"""Rows parsed at a time: they bound the memory that pandas needs beside the compact columns."""


MAX_LINE_BYTES = 1 << 20


MAX_COLUMNS = 1000
"""pandas needs long for many."""


Match = Literal["stem", "name", "path"]
"""What of an archive member's name is its id: its file name without folder and suffix, with the
suffix, or all of it."""


class LabelColumns(Section):
    """``datasets.<name>.decode.labels``: the columns of ``labels.csv``."""

    id: str = "id"
    """The column of ids."""
    label: str = "label"
    """The column of class names."""
    match: Match = "stem"
    """What of an image's name in the archive stands in the column of ids."""


class Labels(NamedTuple):
    """A table of labels: ids as text, and int32 positions in the list of classes, row by row."""

    ids: pa.StringArray
    labels: NDArray[np.int32]


def read(path: Path, columns: LabelColumns, classes: tuple[str, ...]) -> Labels:
    """Read a table of labels; every value is text and nothing is taken for missing.

    Raises
    ------
    DataError
        If the file is missing, is not CSV in UTF-8, lacks a column, repeats an id, has an empty
        value or a class that is not declared.
    """
    ids, names = _columns(path, (columns.id, columns.label), "decode.labels")
    _refuse_empty(path, columns.id, ids)
    labels = pc.index_in(names, value_set=pa.array(classes, pa.string()))
    if labels.null_count:
        unknown = pc.unique(names.filter(labels.is_null())).to_pylist()
        first = int(pc.index(labels.is_null(), True).as_py())
        raise DataError(
            f"{path}: unknown class {first_few([repr(name) for name in unknown])} (first in row "
            f"{first + 2}); declare it under decode.classes in params.yaml or mend the table"
        )
    repeated = repeats(ids)
    if repeated:
        raise DataError(
            f"{path}: {len(repeated):,} ids stand there more than once: {first_few(repeated)}; "
            "mend the table"
        )
    return Labels(ids, labels.to_numpy().astype(np.int32))


def column(path: Path, name: str, key: str) -> pa.StringArray:
    """Another column of a table of labels, row by row; ``key`` is the parameter that names it.

    Raises
    ------
    DataError
        If the table is missing, is not CSV in UTF-8, lacks the column or has an empty value there.
    """
    (values,) = _columns(path, (name,), key)
    _refuse_empty(path, name, values)
    return values


def columns(path: Path) -> dict[str, pa.StringArray]:
    """All columns of a table that have a name; raises as ``column``, but for empty values."""
    names = tuple(dict.fromkeys(filter(None, _header(path))))
    return dict(zip(names, _columns(path, names, "decode.labels"), strict=True))


def repeats(ids: pa.StringArray) -> list[str]:
    """The ids that occur more than once, in the order of their first occurrence."""
    counts = pc.value_counts(ids)
    found: list[str] = (
        counts.field("values").filter(pc.greater(counts.field("counts"), 1)).to_pylist()
    )
    return found


def _columns(path: Path, wanted: tuple[str, ...], key: str) -> list[pa.StringArray]:
    """Columns of a table as text; ``key`` is the parameter that names them."""
    chunks = list(_chunks(path, wanted, key))
    columns = [pa.concat_arrays(parts) for parts in zip(*chunks, strict=True)]
    if not columns or not len(columns[0]):
        raise DataError(f"{path}: has no rows below its header")
    return columns


def _chunks(path: Path, wanted: tuple[str, ...], key: str) -> Iterator[list[pa.StringArray]]:
    try:
        header = _header(path)
        absent = [column for column in wanted if column not in header]
        if absent:
            raise DataError(
                f"{path}: has no column {first_few(absent)}; it has: {first_few(header, 20)} "
                f"(set {key} in params.yaml)"
            )
        twice = [column for column in wanted if header.count(column) > 1]
        if twice:
            raise DataError(f"{path}: has column {first_few(twice)} more than once; mend it")
        with pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            encoding="utf-8-sig",
            chunksize=CHUNK_ROWS,
        ) as reader:
            for chunk in reader:
                if not isinstance(chunk.index, pd.RangeIndex):  # it took the first for one
                    raise DataError(f"{path}: rows have more values than the header; mend them")
                yield [pa.array(chunk[column].astype(object), pa.string()) for column in wanted]
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        UnicodeDecodeError,
        csv.Error,
    ) as error:
        raise DataError(
            f"{path}: is not a CSV table in UTF-8, mend it: {' '.join(str(error).split())}"
        ) from None


def _header(path: Path) -> list[str]:
    """The names of the columns; every line is looked at, for pandas would hold a long one whole."""
    with files.existing(path, "extract").open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                raise DataError(f"{path}: has a line above {MAX_LINE_BYTES:,} bytes; mend it")
    with path.open(encoding="utf-8-sig", newline="") as text:
        names = next(csv.reader(text), [])
    if not names:
        raise DataError(f"{path}: is not a CSV table in UTF-8: it has no header")
    if len(names) > MAX_COLUMNS:
        raise DataError(f"{path}: has {len(names):,} columns, above {MAX_COLUMNS:,}; drop some")
    return names


def _refuse_empty(path: Path, column: str, values: pa.StringArray) -> None:
    empty = pc.equal(values, "")
    if pc.any(empty).as_py():
        row = int(pc.index(empty, True).as_py())
        raise DataError(f"{path}: row {row + 2} has an empty {column}; mend the table")
