"""State of a dataset's shards and split at a Git revision, or as they are here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core import paths
from pipeline.core.errors import PipelineError
from pipeline.project.changes import Image, State
from pipeline.repository.outputs import MissingError, Outputs
from pipeline.shards import index as shard_index
from pipeline.shards.index import INDEX, Index
from pipeline.subsets.images import Dataset
from pipeline.subsets.split import SUBSETS


@dataclass(frozen=True)
class Recorded:
    """The shards and the split of a dataset at one time."""

    shards: Path
    split: Path

    @cached_property
    def index(self) -> Index:
        """The shards' index."""
        return Index.read(self.shards)

    @cached_property
    def state(self) -> State:
        """The images, with their subsets, in the shards' order."""
        dataset = Dataset.at(self.shards, self.split)
        columns = (
            shard_index.column(self.shards, self.index, name).to_pylist()
            for name in ("label", "sha256")
        )
        rows = zip(dataset.split.ids.to_pylist(), dataset.split.subsets, *columns, strict=True)
        return {
            id_: Image(self.index.classes[label], digest, SUBSETS[subset])
            for id_, subset, label, digest in rows
        }

    def images(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Return images, float32[n, h, w, c] in [0, 1]."""
        rows = {id_: row for row, id_ in enumerate(self.state)}
        return shard_index.take(self.shards, self.index, [rows[id_] for id_ in ids])


def find(dataset: str, revision: str, folder: Path, *, fetch: bool = False) -> Recorded:
    """Find a dataset's shards and split in DVC's cache; links to them are made in ``folder``.

    Parameters
    ----------
    dataset : str
    revision : str
        A Git revision; ``""``: what is in the working directory, where it is there.
    folder : Path
    fetch : bool
        Whether to get what the cache lacks from the default remote.

    Raises
    ------
    PipelineError
        If there is no such revision, or its shards and split cannot be had.
    """
    places = paths.shards(dataset), paths.split(dataset)
    if not revision and (places[0] / INDEX).exists() and places[1].exists():
        return Recorded(*places)
    outputs = Outputs(revision)
    for path in places if fetch else ():
        outputs.fetch(path)
    try:
        return Recorded(*(outputs.link(path, folder) for path in places))
    except MissingError as error:
        missing = str(error).partition(";")[0]
        if fetch:
            raise PipelineError(
                f"{missing}, nor on the default remote; dvc push it from where it was run"
            ) from None
        raise PipelineError(
            f"{missing}; run this again with --fetch, or: dvc fetch "
            f"{'--all-commits ' if revision else ''}{' '.join(map(str, places))}"
        ) from None
