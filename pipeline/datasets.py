"""Datasets: the kinds there are, and which a name in ``params.yaml`` is of."""

from typing import Literal, get_args

from pipeline.errors import ParameterError
from pipeline.params import Params

Kind = Literal["idx", "archive"]
"""Four IDX files with an official test set, or an archive of images with a table of labels."""


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
            f"{params.path}: datasets.{dataset}.kind: must be {' or '.join(get_args(Kind))}, "
            f"got {value!r}"
        )
    return value
