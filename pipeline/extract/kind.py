"""Datasets: the kinds there are, and which a name in ``params.yaml`` is of."""

from typing import Literal, get_args

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params

Kind = Literal["idx", "archive", "parquet"]
"""IDX files (four, or two without a test set); an archive of images with a table of labels or a
folder for each class; or Parquet files with images, as Hugging Face writes them."""


def kind(params: Params, dataset: str) -> Kind:
    """The kind of a dataset.

    Raises
    ------
    ParameterError
        If there is no such dataset or no such kind.
    """
    value: Kind = params.value("datasets", dataset, "kind")
    if value not in get_args(Kind):
        raise ParameterError(
            f"{params.path}: datasets.{dataset}.kind: must be {', '.join(get_args(Kind)[:-1])} or "
            f"{get_args(Kind)[-1]}, got {value!r}"
        )
    return value
