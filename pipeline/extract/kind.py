"""Kinds of datasets."""

from typing import Literal, get_args

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params

Kind = Literal["idx", "archive", "parquet"]
"""``idx``: IDX files, four, or two without a test set. ``archive``: an archive of images, with a
table of labels or a folder for each class. ``parquet``: Parquet files with images, as Hugging Face
writes them.

Each kind has an entry in ``EXTRACTORS``, ``DECODERS`` and ``SPLITTERS``.
"""


def kind_of(params: Params, dataset: str) -> Kind:
    """Return the kind of a dataset.

    Raises
    ------
    ParameterError
        If there is no such dataset or no such kind.
    """
    kind: Kind = params.value("datasets", dataset, "kind")
    if kind not in get_args(Kind):
        raise ParameterError(
            f"{params.path}: datasets.{dataset}.kind: must be {', '.join(get_args(Kind)[:-1])} or "
            f"{get_args(Kind)[-1]}, got {kind!r}"
        )
    return kind
