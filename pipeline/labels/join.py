"""Join of images with a table of labels, by id."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few
from pipeline.labels.table import Labels, Match, repeats


def member_id(name: str, match: Match = "stem") -> str:
    """Return the id of an archive's member, made from its name.

    Examples
    --------
    >>> member_id("train/50000.png"), member_id("train/50000.png", "name")
    ('50000', '50000.png')
    """
    if match == "path":
        return name
    base = name.replace("\\", "/").rpartition("/")[2]
    return base if match == "name" else base.rpartition(".")[0] or base


def join(
    names: pa.StringArray, labels: Labels, archive: str, table: str, match: Match = "stem"
) -> NDArray[np.int32]:
    """Return the row in the table of labels of each archive member, in the archive's order.

    Parameters
    ----------
    names : pa.StringArray
        The members' names.
    labels : Labels
    archive, table : str
        The archive and the table, for messages.
    match : {"stem", "name", "path"}
        The part of a name that is its id.

    Raises
    ------
    DataError
        If two members have the same id, a member has no label or a label has no member. The message
        names the first few.
    """
    ids = pa.array((member_id(name, match) for name in names.to_pylist()), pa.string())
    repeated = repeats(ids)
    if repeated:
        raise DataError(
            f"{archive}: {len(repeated):,} ids belong to several images: {first_few(repeated)}; "
            "give each image its own file name, or set decode.labels.match: path"
        )
    rows = pc.index_in(ids, value_set=labels.ids)
    if rows.null_count:
        surplus = names.filter(rows.is_null()).to_pylist()
        raise DataError(
            f"{archive}: {len(surplus):,} images have no row in {table}: {first_few(surplus)}; "
            "add their rows, or leave them out by extract.members in params.yaml"
        )
    if len(rows) != len(labels.ids):
        missing = labels.ids.filter(pc.invert(pc.is_in(labels.ids, value_set=ids))).to_pylist()
        raise DataError(
            f"{table}: {len(missing):,} ids have no image in {archive}: {first_few(missing)}; "
            "remove their rows, or widen extract.members in params.yaml"
        )
    positions: NDArray[np.int32] = rows.to_numpy().astype(np.int32)
    return positions
