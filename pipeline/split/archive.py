"""Split of an archive's or Parquet files' images, which keeps the published subsets.

Subsets that were not published are taken from the training images.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.split import groups as split_groups
from pipeline.split import published
from pipeline.split.divide import complete, divide
from pipeline.split.params import ArchiveSplit, OwnSplit, ParquetSplit
from pipeline.split.source import Source
from pipeline.subsets.split import SUBSETS, Split


def split_archive(source: Source, params: OwnSplit) -> Split:
    """Divide an archive's images; the published subsets are a column's or the folders' names.

    Raises
    ------
    DataError, ParameterError
        As ``divide_images``, and if the published subsets cannot be read.
    """
    own = None
    if isinstance(params.folders, dict):
        own = published.by_pattern(source.ids.to_pylist(), params.folders, str(source.shards))
    elif params.folders:
        own = published.by_folder(source.ids.to_pylist(), str(source.shards))
    elif params.column is not None:
        values = source.column(params.column, "split.column")
        own = published.by_column(values, str(source.table), params.column)
    return _split(source, params, own)


def split_parquet(source: Source, params: ParquetSplit) -> Split:
    """Divide the images of Parquet files by a column or the files; raises as above."""
    if params.column is None:
        return _split(source, params, published.by_id(source.ids.to_pylist()))
    values = source.column(params.column, "split.column")
    return _split(source, params, published.by_column(values, str(source.table), params.column))


def _split(source: Source, params: ArchiveSplit, own: NDArray[np.int8] | None) -> Split:
    groups = None
    if params.groups is not None:
        values = source.column(params.groups, "split.groups", may_be_empty=True)
        groups = split_groups.named(values)
    return divide_images(source.ids, source.positions, source.labels, params, own, groups)


def divide_images(
    ids: pa.ChunkedArray,
    positions: NDArray[np.int32],
    labels: NDArray[np.int32],
    params: ArchiveSplit,
    own: NDArray[np.int8] | None = None,
    groups: Sequence[str] | None = None,
) -> Split:
    """Divide images in the order of the table of labels, whatever order the archive has.

    Parameters
    ----------
    ids, positions, labels : arrays of shape (n,)
        Columns of the shards; ``positions`` are rows in the table of labels.
    params : ArchiveSplit
    own : ndarray of int8, optional
        The published subset of each row, a position in ``SUBSETS``.
    groups : sequence of str, optional
        The group of each row.

    Raises
    ------
    DataError, ParameterError
        If a subset would be left without images, classes cannot be stratified, a group is divided
        or a fraction is given for a subset that was published.
    """
    subsets = np.full(len(ids), SUBSETS.index("train"), np.int8) if own is None else own.copy()
    if own is not None and groups is not None:
        split_groups.refuse_divided(groups, own, str(params.groups))
    rest = np.argsort(positions)
    if own is not None:
        rest = rest[subsets[rest] == SUBSETS.index("train")]
    fractions = {"test": params.test_fraction, "validation": params.validation_fraction}
    for name, fraction in fractions.items():
        if (subsets == SUBSETS.index(name)).any():
            if f"{name}_fraction" in params.model_fields_set:
                published.refuse_fraction(name)
        elif fraction:
            if groups is None:
                rest, chosen = divide(rest, labels, fraction, params)
            else:
                rest, chosen = split_groups.divide(rest, groups, fraction, params.seed)
            subsets[chosen] = SUBSETS.index(name)
    return complete(Split(ids, subsets))
