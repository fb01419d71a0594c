"""Divisions: who is train, validation or test as the data say it themselves.

By an image's id (``train-0``: its IDX or Parquet file's subset), by its folders, or by a column of
the table of labels. Names of subsets are known in their usual forms.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few
from pipeline.labels.folders import folder_of
from pipeline.subsets.split import SUBSETS

NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of subsets, in small letters, and which they mean."""


def subset(name: str) -> str:
    """The subset that a name means; ``""`` if none.

    Examples
    --------
    >>> subset("Val"), subset("cat")
    ('validation', '')
    """
    return NAMES.get(name.lower(), "")


def by_id(ids: Sequence[str]) -> NDArray[np.int8]:
    """Subsets (positions in ``SUBSETS``) of ids such as ``validation-17``."""
    return np.array([SUBSETS.index(name.partition("-")[0]) for name in ids], np.int8)


def by_folder(ids: Sequence[str], archive: str) -> NDArray[np.int8]:
    """Subsets of images by their innermost folder that has a subset's name; ids are their paths.

    Raises
    ------
    DataError
        If an image stands in no such folder.
    """
    names = {
        folder
        for path in ids
        for folder in path.replace("\\", "/").split("/")[:-1]
        if subset(folder)
    }
    found = [subset(folder_of(path, names)) for path in ids]
    return _codes(
        found,
        lambda lost: (
            f"{archive}: split.folders is true, but {len(lost):,} images are in no folder of a "
            f"subset's name ({', '.join(NAMES)}): {first_few([ids[row] for row in lost])}"
        ),
    )


def by_column(values: Sequence[str], table: str, column: str) -> NDArray[np.int8]:
    """Subsets of images by what a column of their table says, row by row.

    Raises
    ------
    DataError
        If it says something else than a subset's name.
    """
    return _codes(
        [subset(value) for value in values],
        lambda lost: (
            f"{table}: column {column} (split.column) is in {len(lost):,} rows no subset "
            f"({', '.join(NAMES)}): {first_few(sorted({values[row] for row in lost}))}"
        ),
    )


def _codes(found: list[str], message: Callable[[list[int]], str]) -> NDArray[np.int8]:
    lost = [row for row, name in enumerate(found) if not name]
    if lost:
        raise DataError(message(lost))
    return np.array([SUBSETS.index(name) for name in found], np.int8)
