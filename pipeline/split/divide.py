"""Splitting: dividing a dataset's images into training, validation and test subsets.

Where the data have a division of their own (see ``divisions``), it is kept, and only the subsets
that it lacks are taken from its training images. The rest is divided as scikit-learn's
``train_test_split`` divides the rows of the table of labels, id for id, or by groups as its
``GroupShuffleSplit``. Both are one permutation of NumPy's ``RandomState``, so scikit-learn (seconds
to import) is needed only for a stratified division.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core import paths
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.params import Params
from pipeline.extract import kind as dataset_kind
from pipeline.labels import table as label_table
from pipeline.shards import index as shard_index
from pipeline.shards.index import Index
from pipeline.split import groups as split_groups
from pipeline.split import published
from pipeline.split.params import FIRST, TEST_FRACTION, ArchiveSplit, IdxSplit, OwnSplit
from pipeline.subsets.split import SUBSETS, Split


def split(params: Params, dataset: str, folder: Path, index: Index) -> Split:
    """Divide the shards in ``folder`` as the dataset's parameters say.

    Columns of the table of labels are read from ``data/extracted/<dataset>/labels.csv``.

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images, classes cannot be stratified, or the data's own
        division cannot be read or divides a group.
    """
    ids = shard_index.column(folder, index, "id")
    targets = shard_index.column(folder, index, "label").to_numpy()
    keys = ("datasets", dataset, "split")
    kind = dataset_kind.kind(params, dataset)
    if kind == "idx":
        return split_idx(ids, targets, params.section(IdxSplit, *keys))
    positions = shard_index.column(folder, index, "position").to_numpy()
    table = paths.extracted(dataset) / "labels.csv"

    def column(name: str, key: str) -> list[str]:
        """A column of the table, for each row of the shards."""
        found: list[str] = (
            label_table.column(table, name, f"split.{key}").take(positions).to_pylist()
        )
        return found

    section: ArchiveSplit
    own = None
    if kind == "parquet":
        section = params.section(ArchiveSplit, *keys)
        own = published.by_id(ids.to_pylist())
    else:
        section = params.section(OwnSplit, *keys)
        if section.folders:
            own = published.by_folder(ids.to_pylist(), str(folder))
        elif section.column is not None:
            values = column(section.column, "column")
            own = published.by_column(values, str(table), section.column)
    members = None if section.groups is None else column(section.groups, "groups")
    return split_archive(ids, positions, targets, section, own, members)


def split_idx(ids: pa.ChunkedArray, labels: NDArray[np.int32], params: IdxSplit) -> Split:
    """Divide the rows of an IDX dataset, whose ids begin with ``train-`` or ``test-``.

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images or classes cannot be stratified.
    """
    subsets = published.by_id(ids.to_pylist())
    train = np.flatnonzero(subsets == SUBSETS.index("train"))
    if len(train) == len(subsets):
        train, test = _divide(train, labels, params.test_fraction or TEST_FRACTION, params)
        subsets[test] = SUBSETS.index("test")
        train = np.sort(train)
    elif params.test_fraction is not None:
        _refuse_fraction("test")
    if params.validation_fraction is not None:
        _, validation = _divide(train, labels, params.validation_fraction, params)
    else:
        count = FIRST if params.validation_count is None else params.validation_count
        if count >= len(train):
            raise ParameterError(
                f"split.validation_count is {count:,}, but there are {len(train):,} training "
                "images; choose fewer in params.yaml"
            )
        validation = train[:count]
    subsets[validation] = SUBSETS.index("validation")
    return _complete(Split(ids, subsets))


def split_archive(
    ids: pa.ChunkedArray,
    positions: NDArray[np.int32],
    labels: NDArray[np.int32],
    params: ArchiveSplit,
    own: NDArray[np.int8] | None = None,
    members: Sequence[str] | None = None,
) -> Split:
    """Divide the rows of a labelled archive.

    Parameters
    ----------
    ids, positions, labels : arrays of shape (n,)
        Columns of the shards; ``positions`` are rows in the table of labels.
    params : ArchiveSplit
    own : ndarray of int8, optional
        The data's own division, as positions in ``SUBSETS``.
    members : sequence of str, optional
        The group of each row.

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images, classes cannot be stratified, a group is divided
        or a fraction is asked for where the data have their own division.
    """
    subsets = np.full(len(ids), SUBSETS.index("train"), np.int8) if own is None else own.copy()
    if own is not None and members is not None:
        split_groups.refuse_divided(members, own, str(params.groups))
    rest = np.argsort(positions)
    if own is not None:
        rest = rest[subsets[rest] == SUBSETS.index("train")]
    fractions = {"test": params.test_fraction, "validation": params.validation_fraction}
    for name, fraction in fractions.items():
        if (subsets == SUBSETS.index(name)).any():
            if f"{name}_fraction" in params.model_fields_set:
                _refuse_fraction(name)
        elif fraction:
            if members is None:
                rest, chosen = _divide(rest, labels, fraction, params)
            else:
                rest, chosen = split_groups.divide(rest, members, fraction, params.seed)
            subsets[chosen] = SUBSETS.index(name)
    return _complete(Split(ids, subsets))


def _refuse_fraction(subset: str) -> NoReturn:
    raise ParameterError(
        f"split.{subset}_fraction has no effect, for the data have a {subset} subset of their own; "
        "remove it from params.yaml"
    )


def _divide(
    rows: NDArray[np.int64],
    labels: NDArray[np.int32],
    fraction: float,
    params: IdxSplit | ArchiveSplit,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide ``rows`` into the rest and ``fraction`` of them, rounded up, as scikit-learn does."""
    if params.stratify:
        return _stratified(rows, labels, fraction, params.seed)
    permutation = np.random.RandomState(params.seed).permutation(len(rows))
    count = math.ceil(fraction * len(rows))
    return rows[permutation[count:]], rows[permutation[:count]]


def _stratified(
    rows: NDArray[np.int64], labels: NDArray[np.int32], fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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


def _complete(split: Split) -> Split:
    for subset in ("train", "test"):
        if not len(split.rows(subset)):
            raise DataError(
                f"no image is left for {subset}; choose smaller parts in split in params.yaml"
            )
    return split
