"""Table of labels: a CSV file with the class of each image, by id."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipeline.core import files, limits
from pipeline.core.errors import DataError, first_few
from pipeline.core.params import Section, Text

CHUNK_ROWS = 100_000
CHUNK_VALUES = 2_000_000
"""Rows, and values, parsed at a time, which bounds the memory that pandas needs beside the compact
columns."""
MEMORY = 600_000_000
"""Bytes of columns that are read together, and of the rows that are being parsed."""
MAX_LINE_BYTES = 1 << 20
"""Bytes of a line; pandas would hold a longer one whole."""
MAX_COLUMNS = 1000
"""Columns; pandas takes long for many."""

Match = Literal["stem", "name", "path", "end"]
"""The part of an archive member's name that is its id. ``stem``: the file name without folder and
suffix. ``name``: the file name with its suffix. ``path``: all of it. ``end``: as many of its last
folders as an id has too, and the file name; just one image must have the most."""
Ignored = Literal["case", "suffix", "unicode", "zeros"]


class LabelColumns(Section):
    """``datasets.<name>.decode.labels``, the columns of ``labels.csv``."""

    id: Text = "id"
    """Name of the column of ids."""
    label: Text = "label"
    """Name of the column of class names."""
    match: Match = "stem"
    """The part of an image's name in the archive that is in the column of ids."""
    ids: Literal["match", "path"] = "match"
    """An image's id in the shards: that part, or its path, which ``split.folders`` needs."""
    ignore: Annotated[tuple[Ignored, ...], Field(max_length=4)] = ()
    """What may differ between an image's name and its id, where they are matched by their end:
    upper and lower case, the suffix, the Unicode form of letters with accents, or what a
    spreadsheet makes of a number (``12`` of ``0012``)."""
    one_hot: Annotated[tuple[Text, ...], Field(max_length=MAX_COLUMNS)] = ()
    """Names of columns of which one holds 1, TRUE or 1.0 in each row, and its name is the class;
    instead of ``label``."""
    rows_without_image: Literal["fail", "ignore"] = "fail"
    """Action over rows whose image was not extracted."""

    @model_validator(mode="after")
    def _ignores_at_the_end(self) -> "LabelColumns":
        if self.ignore and self.match != "end":
            raise ValueError("ignore needs match: end")
        return self


class Labels(NamedTuple):
    """A table of labels, row by row."""

    ids: pa.StringArray
    labels: NDArray[np.int32]
    """Positions in the list of classes; -1 for no class, where rows may be without an image."""


def read(path: Path, columns: LabelColumns, classes: tuple[str, ...]) -> Labels:
    """Read a table of labels, whose values are all text: ``NA`` is a name, not a missing value.

    Raises
    ------
    DataError
        If the file is missing, is not CSV in UTF-8, lacks a column, repeats an id, has an empty
        value or a class that is not declared.
    """
    ids, names = texts(path, (columns.id, columns.label), "decode.labels")
    check_ids(path, columns.id, ids)
    labels = pc.index_in(names, value_set=pa.array(classes, pa.string()))
    if labels.null_count and columns.rows_without_image == "fail":
        unknown = pc.unique(names.filter(labels.is_null())).to_pylist()
        first = int(pc.index(labels.is_null(), True).as_py())
        raise DataError(
            f"{path}: unknown class {first_few([repr(name) for name in unknown])} (first in row "
            f"{first + 2}); declare it under decode.classes in params.yaml or mend the table"
        )
    return Labels(ids, labels.fill_null(-1).to_numpy().astype(np.int32))


def column(
    path: Path,
    name: str,
    key: str,
    rows: NDArray[np.int32] | None = None,
    *,
    may_be_empty: bool = False,
) -> pa.StringArray:
    """Return another column of a table of labels, row by row.

    Parameters
    ----------
    path : Path
    name : str
        The column.
    key : str
        The parameter that names it, for messages.
    rows : ndarray of int32, optional
        The rows that are wanted, in this order; all rows otherwise.
    may_be_empty : bool

    Raises
    ------
    DataError
        If the table is missing, is not CSV in UTF-8, lacks the column or has an empty value there.
    """
    (values,) = texts(path, (name,), key)
    if rows is not None:
        values = values.take(pa.array(rows))
    if not may_be_empty:
        _refuse_empty(path, name, values, rows)
    return values


def columns(path: Path) -> dict[str, pa.StringArray]:
    """Return all columns that have a name; raises as ``column``, but accepts empty values."""
    names = tuple(dict.fromkeys(filter(None, _header(path))))
    return dict(zip(names, texts(path, names, "decode.labels"), strict=True))


def check_ids(path: Path, column: str, ids: pa.StringArray) -> None:
    """Raise DataError if an id is empty or stands there more than once."""
    _refuse_empty(path, column, ids)
    repeated = repeats(ids)
    if repeated:
        raise DataError(
            f"{path}: {len(repeated):,} ids stand there more than once: {first_few(repeated)}; "
            "mend the table"
        )


def repeats(ids: pa.StringArray) -> list[str]:
    """Return the ids that occur more than once, in the order of their first occurrence."""
    counts = pc.value_counts(ids)
    repeated: list[str] = (
        counts.field("values").filter(pc.greater(counts.field("counts"), 1)).to_pylist()
    )
    return repeated


def texts(path: Path, wanted: tuple[str, ...], key: str) -> list[pa.StringArray]:
    """Return columns of a table as text; ``key`` is the parameter that names them."""
    with limits.memory(path, MEMORY):
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
        rows = min(CHUNK_ROWS, CHUNK_VALUES // len(header))
        with pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            encoding="utf-8-sig",
            chunksize=rows,
        ) as reader:
            for chunk in reader:
                if not isinstance(chunk.index, pd.RangeIndex):  # it took the first column for one
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
    """Return the names of the columns; raise DataError if a line is too long."""
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


def _refuse_empty(
    path: Path, column: str, values: pa.StringArray, rows: NDArray[np.int32] | None = None
) -> None:
    empty = pc.equal(values, "")
    if pc.any(empty).as_py():
        first = int(pc.index(empty, True).as_py())
        row = first if rows is None else int(rows[first])
        raise DataError(f"{path}: row {row + 2} has an empty {column}; mend the table")
