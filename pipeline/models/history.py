"""Histories: ``history.csv``, the measurements of each epoch of a training; which epoch is kept."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from pipeline.core import errors, files
from pipeline.core.errors import DataError
from pipeline.core.params import Section

LONGEST = 16 << 20
"""Bytes of a file that is read."""
COLUMN = re.compile("[a-z_]{1,40}")
NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?")
"""As Python writes those that are not negative; NumPy reads others than these, too."""
REMEDY = "delete it and run dvc repro"

Epochs = Annotated[int, Field(gt=0, le=100_000)]

Row = dict[str, float | int | None]
"""Measurements of an epoch, by column; None of a subset that measures nothing."""
History = list[Row]
"""One row an epoch."""
Columns = Mapping[str, NDArray[np.float64]]
"""The same by column, each of shape (epochs,); those without values are left out."""


class EarlyStopping(Section):
    """``train.early_stopping``: stop, and take the weights of the best epoch."""

    monitor: Literal["validation_loss", "validation_accuracy"] = "validation_loss"
    """The measure of an epoch: the least loss is best, or the greatest accuracy."""
    patience: Epochs = 5
    """Stop after so many epochs in a row that were not better than the best."""

    def best(self, history: Sequence[Mapping[str, float | int | None]]) -> int:
        """Return the position of the best epoch, the first of equal ones."""
        return self.best_of([row[self.monitor] or 0.0 for row in history])

    def best_of(self, values: Sequence[float]) -> int:
        """Return the position of the best of the epochs' measures, the first of equal ones."""
        return values.index(min(values) if self.monitor == "validation_loss" else max(values))

    def is_over(self, history: Sequence[Mapping[str, float | int | None]]) -> bool:
        """Tell if training is to stop after these epochs."""
        return bool(history) and len(history) - 1 - self.best(history) >= self.patience


class Stopped(Section):
    """The part of ``train`` that says which epoch's weights are kept; it passes over the rest."""

    model_config = ConfigDict(extra="ignore")

    early_stopping: EarlyStopping | None = None

    def kept(self, history: Columns) -> int:
        """Return the position of the epoch whose weights were kept: the best, else the last."""
        stopping = self.early_stopping
        if stopping is None or stopping.monitor not in history:
            return len(history["epoch"]) - 1
        return stopping.best_of(history[stopping.monitor].tolist())


class _Read(dict[str, NDArray[np.float64]]):
    """The columns of a file; one that it lacks is the file's fault."""

    def __init__(self, path: Path, columns: Columns) -> None:
        super().__init__(columns)
        self._path = path

    def __missing__(self, name: str) -> NDArray[np.float64]:
        raise DataError(f"{self._path} has no column {name}, or no values in it; {REMEDY}")


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
        If the file is missing, damaged or without epochs, or these are not 1, 2, 3 and so on; and
        when a column is asked for that it lacks.
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
        if not all(map(COLUMN.fullmatch, header)):
            raise ValueError("its columns have other names than measures have")
        if not all(NUMBER.fullmatch(text) for row in rows for text in row if text):
            raise ValueError("it has values that are not finite numbers from 0")
        columns = {
            name: np.array(texts, np.float64)
            for name, texts in zip(header, zip(*rows, strict=True), strict=True)
            if any(texts)
        }
        if not all(np.isfinite(values).all() for values in columns.values()):
            raise ValueError("it has values that are not finite")
        if not np.array_equal(columns["epoch"], np.arange(1, len(rows) + 1)):
            raise ValueError("its epochs do not ascend from 1")
        if any(values.max() > 1 for name, values in columns.items() if "accuracy" in name):
            raise ValueError("it has an accuracy above 1")
    return _Read(path, columns)
