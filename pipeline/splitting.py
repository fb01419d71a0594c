"""Splitting: dividing a dataset's images into training, validation and test subsets.

IDX datasets come with an official test set; labelled archives are divided as scikit-learn's
``train_test_split`` divides the rows of the table of labels, id for id. Its unstratified split is
one permutation of NumPy's ``RandomState``, so scikit-learn (seconds to import) is needed only for a
stratified one.
"""

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipeline import datasets, shards
from pipeline.errors import DataError, ParameterError
from pipeline.params import Params, Section
from pipeline.shards import Index
from pipeline.splits import SUBSETS, Split

FIRST = 5000
"""Training images that the tutorial's loader (``read_data_sets``) sets aside for validation."""

Fraction = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class IdxSplit(Section):
    """``datasets.<name>.split`` of kind ``idx``, whose test set is official.

    Validation is the first ``validation_count`` training images (5,000 by default, as the
    tutorial's loader), or else a seeded ``validation_fraction`` of them.
    """

    validation_count: Annotated[int, Field(ge=0)] | None = None
    validation_fraction: Fraction | None = None
    seed: Seed = 42
    """Of the fraction's choice."""
    stratify: bool = False
    """Whether the fraction has the classes in the same proportions as the rest."""

    @model_validator(mode="after")
    def _one_way(self) -> "IdxSplit":
        if self.validation_count is not None and self.validation_fraction is not None:
            raise ValueError("takes validation_count or validation_fraction, not both")
        if self.stratify and self.validation_fraction is None:
            raise ValueError("stratify needs a validation_fraction")
        return self


class ArchiveSplit(Section):
    """``datasets.<name>.split`` of kind ``archive``."""

    test_fraction: Fraction = 0.2
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of what the test leaves; taken by a second ``train_test_split`` with the same seed."""
    seed: Seed = 42
    """``random_state`` of ``train_test_split``."""
    stratify: bool = False
    """Whether all subsets have the classes in the same proportions."""


def split(params: Params, dataset: str, folder: Path, index: Index) -> Split:
    """Divide the shards in ``folder`` as the dataset's parameters say.

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images or classes cannot be stratified.
    """
    ids = shards.column(folder, index, "id")
    labels = shards.column(folder, index, "label").to_numpy()
    keys = ("datasets", dataset, "split")
    if datasets.kind(params, dataset) == "idx":
        return split_idx(ids, labels, params.section(IdxSplit, *keys))
    positions = shards.column(folder, index, "position").to_numpy()
    return split_archive(ids, positions, labels, params.section(ArchiveSplit, *keys))


def split_idx(ids: pa.ChunkedArray, labels: NDArray[np.int32], params: IdxSplit) -> Split:
    """Divide the rows of an IDX dataset, whose ids begin with ``train-`` or ``test-``.

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images or classes cannot be stratified.
    """
    names = ids.to_pylist()
    train = np.flatnonzero([name.startswith("train-") for name in names])
    subsets = np.full(len(names), SUBSETS.index("test"), np.int8)
    subsets[train] = SUBSETS.index("train")
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
) -> Split:
    """Divide the rows of a labelled archive; ``positions`` are their rows in the table of labels.

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images or classes cannot be stratified.
    """
    subsets = np.full(len(ids), SUBSETS.index("train"), np.int8)
    rest, test = _divide(np.argsort(positions), labels, params.test_fraction, params)
    subsets[test] = SUBSETS.index("test")
    if params.validation_fraction:
        _, validation = _divide(rest, labels, params.validation_fraction, params)
        subsets[validation] = SUBSETS.index("validation")
    return _complete(Split(ids, subsets))


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
