"""Split of an IDX dataset, which keeps its official test set, if it has one."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core.errors import ParameterError
from pipeline.split import published
from pipeline.split.divide import complete, divide
from pipeline.split.params import FIRST, TEST_FRACTION, IdxSplit
from pipeline.split.source import Source
from pipeline.subsets.split import SUBSETS, Split


def split_idx(source: Source, params: IdxSplit) -> Split:
    """Divide a decoded IDX dataset; raises as ``divide_idx``."""
    return divide_idx(source.ids, source.labels, params)


def divide_idx(ids: pa.ChunkedArray, labels: NDArray[np.int32], params: IdxSplit) -> Split:
    """Divide the rows of an IDX dataset.

    Parameters
    ----------
    ids : pa.ChunkedArray
        The rows' ids, which begin with ``train-`` or ``test-``.
    labels : ndarray of int32
        The rows' labels.
    params : IdxSplit

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images or classes cannot be stratified.
    """
    subsets = published.by_id(ids.to_pylist())
    train = np.flatnonzero(subsets == SUBSETS.index("train"))
    if len(train) == len(subsets):
        train, test = divide(train, labels, params.test_fraction or TEST_FRACTION, params)
        subsets[test] = SUBSETS.index("test")
        train = np.sort(train)
    elif params.test_fraction is not None:
        published.refuse_fraction("test")
    if params.validation_fraction is not None:
        _, validation = divide(train, labels, params.validation_fraction, params)
    else:
        count = FIRST if params.validation_count is None else params.validation_count
        if count >= len(train):
            raise ParameterError(
                f"split.validation_count is {count:,}, but there are {len(train):,} training "
                "images; choose fewer in params.yaml"
            )
        validation = train[:count]
    subsets[validation] = SUBSETS.index("validation")
    return complete(Split(ids, subsets))
