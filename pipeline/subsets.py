"""A subset's images in memory, in their compact form: the integers that they came from."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import paths, progress, shards, splits
from pipeline.errors import DataError
from pipeline.shards import Index, Statistics


class Images(NamedTuple):
    """Labelled images of a subset, in the shards' row order."""

    ids: list[str]
    pixels: NDArray[Any]
    """uint8 or uint16, shape (n, height, width, channels); divided by ``divisor`` they are the
    shards' float32 images, exactly."""
    labels: NDArray[np.int32]
    divisor: int


@dataclass(frozen=True)
class Dataset:
    """Shards, and who is in which subset."""

    folder: Path
    index: Index
    split: splits.Split

    @classmethod
    def read(cls, name: str) -> "Dataset":
        """Read a dataset's index and split, but no image.

        Raises
        ------
        DataError
            If one is missing or damaged, or the two are of different data.
        """
        folder = paths.shards(name)
        index = Index.read(folder)
        split = splits.read(paths.split(name))
        if not split.ids.equals(shards.column(folder, index, "id")):
            raise DataError(
                f"{paths.split(name)} and {folder} are of different data; run dvc repro"
            )
        return cls(folder, index, split)

    @property
    def identity(self) -> str:
        """SHA-256, in hexadecimal, of all images and labels, and of who is in which subset."""
        content = self.index.content_sha256.encode() + self.split.subsets.tobytes()
        return hashlib.sha256(content).hexdigest()

    def statistics(self, subset: str) -> Statistics:
        """Mean and standard deviation of a subset's normalized images, for each channel."""
        return shards.statistics(self.folder, self.index, self.split.rows(subset))

    def labels(self) -> NDArray[np.int32]:
        """The labels of all rows."""
        labels: NDArray[np.int32] = shards.column(self.folder, self.index, "label").to_numpy()
        return labels

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The normalized images of some rows, float32[n, h, w, c] in [0, 1]."""
        return shards.take(self.folder, self.index, rows)

    def images(self, *subsets: str) -> list[Images]:
        """Read the images of several subsets in one pass over the shards."""
        index = self.index
        labels = self.labels()
        kind = np.uint8 if index.divisor == 255 else np.uint16
        rows = [self.split.rows(subset) for subset in subsets]
        found = [
            Images(
                self.split.ids.take(pa.array(mine)).to_pylist(),
                np.empty((len(mine), *index.shape), kind),
                labels[mine],
                index.divisor,
            )
            for mine in rows
        ]
        start = 0
        with progress.bar("read", index.rows, "images") as bar:
            for batch in shards.batches(self.folder, index):
                stop = start + len(batch)
                for mine, images in zip(rows, found, strict=True):
                    first, last = np.searchsorted(mine, (start, stop))
                    images.pixels[first:last] = shards.integers(
                        batch[mine[first:last] - start], index.divisor
                    )
                bar.update(len(batch))
                start = stop
        return found
