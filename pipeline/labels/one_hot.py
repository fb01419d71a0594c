"""One-hot columns: the class of a row is the name of the one column that holds 1 there."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few
from pipeline.labels import table
from pipeline.labels.table import LabelColumns, Labels

VALUES = {"true": "1", "false": "0"}
"""Numbers that words in lower case stand for."""


def read(path: Path, columns: LabelColumns, classes: tuple[str, ...]) -> Labels:
    """Read ids and labels of a table with one-hot columns; raises as ``table.read``.

    It also raises DataError if a value is not 0 or 1, or not just one of a row is 1.
    """
    ids, *values = table.texts(path, (columns.id, *columns.one_hot), "decode.labels")
    table.check_ids(path, columns.id, ids)
    ones = [_ones(path, name, value) for name, value in zip(columns.one_hot, values, strict=True)]
    chosen, counts = np.argmax(ones, 0), np.sum(ones, 0)
    numbers = {name: label for label, name in enumerate(classes)}
    labels = np.array([numbers.get(name, -1) for name in columns.one_hot], np.int32)[chosen]
    labels[counts != 1] = -1
    if columns.rows_without_image == "fail":
        _check(path, columns, ids, counts, np.unique(chosen[labels < 0]).tolist())
    return Labels(ids, labels)


def is_one(value: str) -> bool | None:
    """Return whether a value is 1, in one of its forms; None if it is neither 1 nor 0.

    Examples
    --------
    >>> is_one("1.0"), is_one("FALSE"), is_one("2"), is_one("")
    (True, False, None, None)
    """
    try:
        text = value.strip().lower()
        number = float(VALUES.get(text, text))
    except ValueError:
        return None
    return bool(number) if number in (0, 1) else None


def _ones(path: Path, name: str, values: pa.StringArray) -> NDArray[np.bool_]:
    """Return where a column holds 1."""
    encoded = values.dictionary_encode()
    known = {value: is_one(value) for value in encoded.dictionary.to_pylist()}
    if wrong := [repr(value) for value, one in known.items() if one is None]:
        raise DataError(
            f"{path}: column {name} (decode.labels.one_hot) has values other than 0 and 1: "
            f"{first_few(wrong)}; mend the table"
        )
    flags = np.array(list(known.values()), bool)
    ones: NDArray[np.bool_] = flags[encoded.indices.to_numpy()]
    return ones


def _check(
    path: Path,
    columns: LabelColumns,
    ids: pa.StringArray,
    counts: NDArray[np.int64],
    undeclared: list[int],
) -> None:
    """Raise DataError over rows without one class, or with one that is not declared."""
    for wrong, what in (
        (counts > 1, "rows have 1 in several of the one-hot columns (multi-label)"),
        (counts < 1, "rows have 1 in none of the one-hot columns"),
    ):
        if wrong.any():
            raise DataError(
                f"{path}: {int(wrong.sum()):,} {what}: "
                f"{first_few(pc.filter(ids, pa.array(wrong)).to_pylist())}; mend the table"
            )
    if undeclared:
        raise DataError(
            f"{path}: unknown class {first_few([repr(columns.one_hot[at]) for at in undeclared])}; "
            "declare it under decode.classes in params.yaml or mend the table"
        )
