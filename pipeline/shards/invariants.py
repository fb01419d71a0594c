"""Invariants of a shard's columns, checked where they are read: all at once, by NumPy and Arrow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.core.errors import first_few
from pipeline.shards.columns import Shape


class Described(NamedTuple):
    """What an index says of its images, as far as their columns depend on it."""

    classes: Sequence[str]
    shape: Shape
    divisor: int
    """The greatest decoded integer."""


Values = NDArray[Any]
Bounds = Callable[[Described], tuple[int, int]]
"""A function that returns the least and the greatest value that a column may have."""
BOUNDS: Mapping[str, Bounds] = {
    "position": lambda _: (0, 2**31 - 1),
    "label": lambda described: (0, len(described.classes) - 1),
    "pixel_min": lambda described: (0, described.divisor),
    "pixel_max": lambda described: (0, described.divisor),
    "pixel_sum": lambda described: (0, _pixels(described.shape) * described.divisor),
    "pixel_squares": lambda described: (0, _pixels(described.shape) * described.divisor**2),
}


def fault(
    column: pa.ChunkedArray, name: str, kind: pa.DataType, rows: int, described: Described
) -> str:
    """Return what is wrong with a column of a shard; ``""`` if nothing is.

    Parameters
    ----------
    column : pa.ChunkedArray
        Of any column other than ``image``.
    name : str
        Its name.
    kind : pa.DataType
        The type that it must have.
    rows : int
        The number of values that it must have.
    described : Described
    """
    if column.type != kind:
        return f"its column {name} is of type {column.type}, not {kind}"
    if len(column) != rows:
        return f"it holds {len(column):,} rows, not {rows:,} as its index says"
    column.validate(full=True)  # lengths, offsets, UTF-8
    nested = pa.types.is_fixed_size_list(kind)
    parts = [chunk.flatten() if nested else chunk for chunk in column.chunks]
    if column.null_count or any(part.null_count for part in parts):
        return f"its column {name} has rows without a value"
    if name in BOUNDS and rows:
        low, high = BOUNDS[name](described)
        values = pa.chunked_array(parts)
        extremes = pc.min_max(values).as_py()
        if extremes["min"] < low or extremes["max"] > high:
            found = extremes["min"] if extremes["min"] < low else extremes["max"]
            return f"its column {name} has {found:,}, which is not from {low:,} to {high:,}"
    return ""


def repeated(ids: pa.ChunkedArray) -> str:
    """Return the first ids that stand more than once among unique ones; ``""`` if none does."""
    if pc.count_distinct(ids).as_py() == len(ids):
        return ""
    counts = pc.value_counts(ids)
    twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return f"{len(twice):,} ids stand there more than once ({first_few(twice.to_pylist())})"


def _pixels(shape: Shape) -> int:
    return shape[0] * shape[1]
