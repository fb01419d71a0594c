"""Groups: images that belong together, as one patient's do, and must stay in one subset."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few
from pipeline.subsets.split import SUBSETS


def divide(
    rows: NDArray[np.int64], groups: Sequence[str], fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide ``rows`` into the rest and those of a ``fraction`` of their groups, rounded up.

    The groups are those that scikit-learn's ``GroupShuffleSplit`` takes with ``seed`` as
    ``random_state``: their names, sorted, in the order of one permutation.

    Parameters
    ----------
    rows : ndarray of int64
        Rows to divide, in any order, which is kept.
    groups : sequence of str
        The group of each row of the dataset.
    """
    names = np.array([groups[row] for row in rows], object)
    known, member = np.unique(names, return_inverse=True)
    permutation = np.random.RandomState(seed).permutation(len(known))
    chosen = np.isin(member, permutation[: math.ceil(fraction * len(known))])
    return rows[~chosen], rows[chosen]


def refuse_divided(groups: Sequence[str], subsets: NDArray[np.int8], column: str) -> None:
    """Refuse a division, positions in ``SUBSETS``, that has a group in more than one subset.

    Raises
    ------
    DataError
        Naming the first few such groups.
    """
    seen: dict[str, set[int]] = {}
    for name, code in zip(groups, subsets.tolist(), strict=True):
        seen.setdefault(name, set()).add(code)
    divided = [
        f"{name} ({' and '.join(SUBSETS[code] for code in sorted(codes))})"
        for name, codes in sorted(seen.items())
        if len(codes) > 1
    ]
    if divided:
        raise DataError(
            f"{len(divided):,} groups of {column} (split.groups) are in more than one subset of "
            f"the data's own division: {first_few(divided)}; mend the division, or leave it out "
            "and divide by split.test_fraction"
        )
