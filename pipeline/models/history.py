"""Histories: ``history.csv``, the measurements of each epoch of a training."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core import errors, files
from pipeline.core.errors import DataError

LONGEST = 16 << 20
"""Bytes of a file that is read."""
REMEDY = "delete it and run dvc repro"

Row = dict[str, float | int | None]
"""Measurements of an epoch, by column; None where there is no such subset."""
History = list[Row]
"""One row an epoch."""


def write_history(path: Path, history: History) -> None:
    """Write a history as CSV."""
    with files.new_table(path) as file:
        rows = csv.DictWriter(file, list(history[0]), lineterminator="\n")
        rows.writeheader()
        rows.writerows(history)


def read(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the columns of ``history.csv``, each float64[epochs].

    Columns without values are left out: those of a validation subset where there is none.

    Raises
    ------
    DataError
        If the file is missing, damaged or without epochs, or these are not 1, 2, 3 and so on.
    """
    try:
        with files.open_regular(path) as file:
            content = file.read(LONGEST + 1)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the train stage (dvc repro)") from None
    if len(content) > LONGEST:
        raise DataError(f"{path} is longer than {LONGEST >> 20} MiB; {REMEDY}")
    with errors.one_line(path, REMEDY):
        header, *rows = csv.reader(content.decode().splitlines(), strict=True) or [[]]
        if not rows:
            raise DataError(f"{path} has no epochs; {REMEDY}")
        if len(set(header)) < len(header) or {len(row) for row in rows} != {len(header)}:
            raise ValueError("its rows are not as its header")
        columns = {
            name: np.array(texts, np.float64)
            for name, texts in zip(header, zip(*rows, strict=True), strict=True)
            if any(texts)
        }
        if not all(np.isfinite(values).all() for values in columns.values()):
            raise ValueError("it has values that are not finite")
        if not np.array_equal(columns["epoch"], np.arange(1, len(rows) + 1)):
            raise ValueError("its epochs do not ascend from 1")
    return columns
