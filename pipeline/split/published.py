"""Subsets that a data set was published with.

They are read from an image's id (``train-0``, made from its IDX or Parquet file), from its folders,
or from a column of the table of labels.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, ParameterError, first_few
from pipeline.labels.folders import folder_of
from pipeline.subsets.split import SUBSETS

NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Subsets by their usual names, in lower case."""


def subset(name: str) -> str:
    """Return the subset that a name means; ``""`` if it means none.

    Examples
    --------
    >>> subset("Val"), subset("cat")
    ('validation', '')
    """
    return NAMES.get(name.lower(), "")


def by_id(ids: Sequence[str]) -> NDArray[np.int8]:
    """Return the subsets, positions in ``SUBSETS``, of ids such as ``validation-17``."""
    return np.array([SUBSETS.index(name.partition("-")[0]) for name in ids], np.int8)


def by_folder(ids: Sequence[str], archive: str) -> NDArray[np.int8]:
    """Return the subsets of images by the innermost of their folders that has a subset's name.

    Parameters
    ----------
    ids : sequence of str
        The images' paths.
    archive : str
        What they are in, for messages.

    Raises
    ------
    DataError
        If an image is in no such folder.
    """
    names = {
        folder
        for path in ids
        for folder in path.replace("\\", "/").split("/")[:-1]
        if subset(folder)
    }
    return _positions(
        [subset(folder_of(path, names)) for path in ids],
        lambda lost: (
            f"{archive}: split.folders is true, but {len(lost):,} images are in no folder of a "
            f"subset's name ({', '.join(NAMES)}): {first_few([ids[row] for row in lost])}"
        ),
    )


def by_column(values: Sequence[str], table: str, column: str) -> NDArray[np.int8]:
    """Return the subsets of images by their values in a column of their table.

    Raises
    ------
    DataError
        If a value is not a subset's name.
    """
    return _positions(
        [subset(value) for value in values],
        lambda lost: (
            f"{table}: column {column} (split.column) is in {len(lost):,} rows no subset "
            f"({', '.join(NAMES)}): {first_few(sorted({values[row] for row in lost}))}"
        ),
    )


def refuse_fraction(subset: str) -> NoReturn:
    """Raise ParameterError over a fraction that is given for a published subset."""
    raise ParameterError(
        f"split.{subset}_fraction has no effect, for the data have a {subset} subset of their own; "
        "remove it from params.yaml"
    )


def _positions(subsets: list[str], message: Callable[[list[int]], str]) -> NDArray[np.int8]:
    lost = [row for row, name in enumerate(subsets) if not name]
    if lost:
        raise DataError(message(lost))
    return np.array([SUBSETS.index(name) for name in subsets], np.int8)
