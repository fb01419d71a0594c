"""Groups of images that must stay in one subset, such as those of one patient."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few
from pipeline.split.divide import Division
from pipeline.subsets.split import SUBSETS


def named(values: Sequence[str]) -> list[str]:
    """Return the groups of rows by their values; a row with an empty one is a group of its own."""
    return [value or f"\0{row}" for row, value in enumerate(values)]


def divide(rows: NDArray[np.int64], groups: Sequence[str], fraction: float, seed: int) -> Division:
    """Choose the rows of a ``fraction`` of the groups, rounded up, by ``GroupShuffleSplit``.

    Parameters
    ----------
    rows : ndarray of int64
        Rows to divide, in any order, which is kept.
    groups : sequence of str
        The group of each row of the dataset.
    fraction : float
        In (0, 1).
    seed : int
        scikit-learn's ``random_state``.

    Raises
    ------
    DataError
        If there are too few groups.
    """
    from sklearn.model_selection import GroupShuffleSplit

    names = np.array([groups[row] for row in rows], object)
    shuffle = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
    try:
        rest, chosen = next(shuffle.split(rows, groups=names))
    except ValueError as error:
        raise DataError(
            f"the groups cannot be divided ({error}); choose smaller parts in split in params.yaml"
        ) from None
    return rows[rest], rows[chosen]


def refuse_divided(groups: Sequence[str], subsets: NDArray[np.int8], column: str) -> None:
    """Refuse published subsets between which a group is divided.

    Parameters
    ----------
    groups : sequence of str
        The group of each row.
    subsets : ndarray of int8
        The subset of each row, a position in ``SUBSETS``.
    column : str
        The column of groups, for the message.

    Raises
    ------
    DataError
        Naming the first few such groups.
    """
    subsets_of: dict[str, set[int]] = {}
    for name, subset in zip(groups, subsets.tolist(), strict=True):
        subsets_of.setdefault(name, set()).add(subset)
    divided = [
        f"{name} ({' and '.join(SUBSETS[subset] for subset in sorted(found))})"
        for name, found in sorted(subsets_of.items())
        if len(found) > 1
    ]
    if divided:
        raise DataError(
            f"{len(divided):,} groups of {column} (split.groups) are in more than one subset of "
            f"the data's own division: {first_few(divided)}; mend the division, or leave it out "
            "and divide by split.test_fraction"
        )
