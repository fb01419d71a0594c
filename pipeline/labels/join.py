"""Join of images with a table of labels, by id."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few
from pipeline.labels import ends
from pipeline.labels.table import LabelColumns, Labels, Match, repeats

EXACT = LabelColumns()


def member_id(name: str, match: Match = "stem") -> str:
    """Return the id of an archive's member, made from its name.

    Examples
    --------
    >>> member_id("train/50000.png"), member_id("train/50000.png", "name")
    ('50000', '50000.png')
    """
    if match in ("path", "end"):
        return name
    base = name.replace("\\", "/").rpartition("/")[2]
    return base if match == "name" else base.rpartition(".")[0] or base


def join(
    names: pa.StringArray, labels: Labels, archive: str, table: str, columns: LabelColumns = EXACT
) -> NDArray[np.int32]:
    """Return the row in the table of labels of each archive member, in the archive's order.

    Parameters
    ----------
    names : pa.StringArray
        The members' names.
    labels : Labels
    archive, table : str
        The archive and the table, for messages.
    columns : LabelColumns
        How a name and its id are matched, and whether an id may be without a member.

    Raises
    ------
    DataError
        If two members have the same id, a member has no label or a label has no member. The message
        names the first few.
    """
    by_end = columns.match == "end"
    rows = (
        _by_end(names, labels, table, columns)
        if by_end
        else _by_id(names, labels, archive, columns)
    )
    if rows.null_count:
        surplus = names.filter(rows.is_null()).to_pylist()
        raise DataError(
            f"{archive}: {len(surplus):,} images have no row in {table}: {first_few(surplus)}; "
            "add their rows, or leave them out by extract.members in params.yaml"
        )
    positions: NDArray[np.int32] = rows.to_numpy().astype(np.int32)
    if columns.rows_without_image == "ignore":
        _refuse_without_class(names, labels.labels[positions], table)
    elif len(rows) != len(labels.ids):
        without = np.ones(len(labels.ids), bool)
        without[positions] = False
        missing = labels.ids.filter(pa.array(without)).to_pylist()
        raise DataError(
            f"{table}: {len(missing):,} ids have no image in {archive}: {first_few(missing)}; "
            "remove their rows, or widen extract.members in params.yaml"
        )
    return positions


def _by_id(
    names: pa.StringArray, labels: Labels, archive: str, columns: LabelColumns
) -> pa.Int32Array:
    """Return the row of each name, by the part of it that is its id."""
    ids = pa.array((member_id(name, columns.match) for name in names.to_pylist()), pa.string())
    repeated = repeats(ids)
    if repeated:
        raise DataError(
            f"{archive}: {len(repeated):,} ids belong to several images: {first_few(repeated)}; "
            "give each image its own file name, or set decode.labels.match: path"
        )
    return pc.index_in(ids, value_set=labels.ids)


def _by_end(
    names: pa.StringArray, labels: Labels, table: str, columns: LabelColumns
) -> pa.Int32Array:
    """Return the row of each name, by the end of its path."""
    ends.refuse_many(len(labels.ids), len(names), table)
    found = ends.match(names.to_pylist(), labels.ids.to_pylist(), columns.ignore)
    if found.ambiguous:
        raise DataError(
            f"{table}: {len(found.ambiguous):,} ids or images fit several: "
            f"{first_few(found.ambiguous, 3)}; give more of their paths"
        )
    return pa.array(found.rows, mask=found.rows < 0)


def _refuse_without_class(names: pa.StringArray, labels: NDArray[np.int32], table: str) -> None:
    if (labels < 0).any():
        lost = names.filter(pa.array(labels < 0)).to_pylist()
        raise DataError(
            f"{table}: {len(lost):,} images have no class, or one that is not declared: "
            f"{first_few(lost)}; mend their rows, or declare it under decode.classes in params.yaml"
        )
