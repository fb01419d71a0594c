"""Confusions: ``confusion.csv``, the true and the predicted class of each test image."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.core import console, errors, files
from pipeline.core.errors import DataError
from pipeline.evaluate.predictions import Predictions

HEADER = ["actual", "predicted"]
LONGEST = 256 << 20
"""Bytes of a file that is read."""
REMEDY = "evaluate again (dvc repro)"
MOST_PAIRS = 1_000_000
Pair = tuple[str, str]
"""The names of the true and of the predicted class."""


def write(path: Path, predictions: Predictions, classes: Sequence[str]) -> None:
    """Write ``confusion.csv`` for DVC's confusion plot, a row for each image."""
    with files.new_table(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        names = list(map(console.cell, classes))
        for label, predicted in zip(predictions.labels, predictions.predicted, strict=True):
            writer.writerow([names[label], names[predicted]])


def read(path: Path) -> Counter[Pair]:
    """Return how often each pair of classes stands in the file.

    Raises
    ------
    DataError
        If the file is damaged or has other columns.
    """
    with files.open_regular(path) as file, errors.one_line(path, REMEDY):
        if (length := path.stat().st_size) > LONGEST:
            raise DataError(f"{path} has {length:,} bytes, above {LONGEST:,}; {REMEDY}")
        rows = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""), strict=True)
        if next(rows, None) != HEADER:
            raise ValueError(f"its columns are not {' and '.join(HEADER)}")
        counts: Counter[Pair] = Counter()
        for actual, predicted in rows:
            if (actual, predicted) not in counts:
                errors.printable(actual + predicted)
            counts[actual, predicted] += 1
            if len(counts) > MOST_PAIRS:
                raise ValueError(f"it has more than {MOST_PAIRS:,} pairs of classes")
    return counts
