"""Division of rows in two, at random or in proportion of the classes.

Both are those of scikit-learn's ``train_test_split``, id for id. A random division is one
permutation of NumPy's ``RandomState``: scikit-learn takes 1.7 s to import, more than the rest of
the stage, so it is imported only for a stratified division and for one by groups.
"""

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError
from pipeline.shards.index import Index
from pipeline.split.params import ArchiveSplit, IdxSplit
from pipeline.subsets.split import SUBSETS, Split

Division = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The rest, and the rows that were chosen."""


def divide(
    rows: NDArray[np.int64],
    labels: NDArray[np.int32],
    fraction: float,
    params: IdxSplit | ArchiveSplit,
) -> Division:
    """Choose a ``fraction`` of ``rows``, rounded up, as scikit-learn's ``train_test_split`` does.

    Parameters
    ----------
    rows : ndarray of int64
        Rows to divide. The order matters.
    labels : ndarray of int32
        The label of each row of the dataset.
    fraction : float
        In (0, 1).
    params : IdxSplit or ArchiveSplit
        ``seed`` is scikit-learn's ``random_state``. With ``stratify``, both parts have the classes
        in the same proportions.

    Raises
    ------
    DataError
        If the classes cannot be divided in proportion.
    """
    if params.stratify:
        return _stratified(rows, labels, fraction, params.seed)
    permutation = np.random.RandomState(params.seed).permutation(len(rows))
    count = math.ceil(fraction * len(rows))
    return rows[permutation[count:]], rows[permutation[:count]]


def complete(split: Split) -> Split:
    """Return the split; raise DataError if it has no image for training or for the test."""
    for subset in ("train", "test"):
        if not len(split.rows(subset)):
            raise DataError(
                f"no image is left for {subset}; choose smaller parts in split in params.yaml"
            )
    return split


def refuse_untrained(
    split: Split,
    labels: NDArray[np.int32],
    index: Index,
    *,
    own: bool = False,
    gaps: bool = False,
) -> None:
    """Refuse a split in which a class has no image for training.

    Parameters
    ----------
    split : Split
    labels : ndarray of int32
        The label of each row.
    index : Index
        Names the classes, and what was left out.
    own : bool
        Whether the data have a division of their own, for the message.
    gaps : bool
        Whether a class may have no image in any subset, as where classes are numbers.

    Raises
    ------
    DataError
        Naming the first such class, and where its images are.
    """
    left_out = Counter(image.class_name for image in index.quarantined)
    counts = np.stack(
        [
            np.bincount(labels[split.rows(subset)], minlength=len(index.classes))
            for subset in SUBSETS
        ]
    )
    for name, images in zip(index.classes, counts.T.tolist(), strict=True):
        of = dict(zip((f"for {subset}" for subset in SUBSETS), images, strict=True))
        found = {where: n for where, n in {**of, "left out": left_out[name]}.items() if n}
        if of["for train"] or (gaps and not found):
            continue
        if not found:
            raise DataError(
                f"class {name} has no image; take it out of decode.classes in params.yaml"
            )
        where = ", ".join(f"{n:,} {'is' if n == 1 else 'are'} {way}" for way, n in found.items())
        remedies = ["add images of it"]
        if left_out[name]:
            remedies.append("mend those left out")
        if not own or of["for validation"]:
            remedies.append("choose another split.seed in params.yaml")
        if own:
            remedies.append("change the data's own division")
        raise DataError(
            f"class {name} has no image for training ({where}); {' or '.join(remedies)}"
        )


def _stratified(
    rows: NDArray[np.int64], labels: NDArray[np.int32], fraction: float, seed: int
) -> Division:
    from sklearn.model_selection import train_test_split

    try:
        rest, chosen = train_test_split(
            rows, test_size=fraction, random_state=seed, stratify=labels[rows]
        )
    except ValueError as error:
        raise DataError(
            f"the classes cannot be divided in proportion ({error}); set split.stratify: false in "
            "params.yaml"
        ) from None
    return rest, chosen
