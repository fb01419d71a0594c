"""Histories: ``history.csv``, the measurements of each epoch of a training."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core import files
from pipeline.core.errors import DataError

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
        If the file is missing or without epochs.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the train stage (dvc repro)") from None
    if not rows:
        raise DataError(f"{path} has no epochs; delete it and run dvc repro")
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if rows[0][name]}
