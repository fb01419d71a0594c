"""A subset's images in their compact form, the integers that they came from: in memory or on disk.

Data that is larger than ``PIPELINE_MEMORY`` is read from the shards again for every pass. Where the
images are changes no batch, so that it is no parameter.
"""

import hashlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core import console, paths
from pipeline.core.errors import DataError, ParameterError
from pipeline.execution.prefetch import ahead
from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.shards.index import Index, Statistics
from pipeline.subsets import split as split_file

MEMORY = "PIPELINE_MEMORY"
WINDOW_BYTES = 32 << 20
"""Of images that are read together from disk."""

Batches = Iterator[tuple[NDArray[Any], NDArray[np.int32]]]
"""Of pixels, uint8 or uint16 of shape (n, height, width, channels), and labels."""


def memory() -> int:
    """Bytes that images may take: ``PIPELINE_MEMORY``, by default a quarter of the machine's.

    Raises
    ------
    ParameterError
        If the environment variable is not a whole number.
    """
    text = os.environ.get(MEMORY, "")
    if not text:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    if not text.isdecimal():
        raise ParameterError(f"{MEMORY} must be a whole number of bytes, got {text!r}")
    return int(text)


@dataclass(frozen=True)
class Images:
    """Labelled images of a subset, in the shards' row order; see ``InMemory`` and ``OnDisk``."""

    ids: list[str]
    labels: NDArray[np.int32]
    shape: tuple[int, int, int]
    """Height, width, channels."""
    kind: np.dtype[Any]
    """Of the pixels: uint8 or uint16."""
    divisor: int
    """Pixels divided by it are the shards' float32 images, exactly."""
    blocks: NDArray[np.int64]
    """Where, among these images, those of each row group of the shards begin."""

    def batches(self, order: NDArray[np.int64], size: int) -> Batches:
        """The images at some positions, in that order, ``size`` at a time."""
        raise NotImplementedError


@dataclass(frozen=True)
class InMemory(Images):
    """Images that are read once."""

    pixels: NDArray[Any]
    """uint8 or uint16, shape (n, height, width, channels)."""

    def batches(self, order: NDArray[np.int64], size: int) -> Batches:
        """See ``Images``."""
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield self.pixels[rows], self.labels[rows]


@dataclass(frozen=True)
class OnDisk(Images):
    """Images that are read from the shards each time, some windows ahead."""

    reader: "Reader"
    rows: NDArray[np.int64]
    """Among those of the shards."""

    def batches(self, order: NDArray[np.int64], size: int) -> Batches:
        """See ``Images``. Rows in an order all over the shards take long."""
        window = max(1, WINDOW_BYTES // (size * int(np.prod(self.shape)))) * size
        parts = (order[start : start + window] for start in range(0, len(order), window))
        for part, pixels in ahead((part, self.reader.take(self.rows[part])) for part in parts):
            for start in range(0, len(part), size):
                stop = start + size
                yield pixels[start:stop], self.labels[part[start:stop]]


@dataclass(frozen=True)
class Dataset:
    """Shards, and who is in which subset."""

    folder: Path
    index: Index
    split: split_file.Split

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
        split = split_file.read(paths.split(name))
        if not split.ids.equals(shard_index.column(folder, index, "id")):
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
        return shard_index.statistics(self.folder, self.index, self.split.rows(subset))

    def labels(self) -> NDArray[np.int32]:
        """The labels of all rows."""
        labels: NDArray[np.int32] = shard_index.column(self.folder, self.index, "label").to_numpy()
        return labels

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The normalized images of some rows, float32[n, h, w, c] in [0, 1]."""
        return shard_index.take(self.folder, self.index, rows)

    def images(self, *subsets: str) -> list[Images]:
        """The images of several subsets: read in one pass over the shards, or left on disk."""
        index, kind, reader = self.index, self.index.kind, Reader(self.folder, self.index)
        labels = self.labels()
        rows = [self.split.rows(subset) for subset in subsets]
        common = [
            (
                self.split.ids.take(pa.array(mine)).to_pylist(),
                labels[mine],
                index.shape,
                kind,
                index.divisor,
                np.unique(np.searchsorted(mine, reader.starts[:-1])),
            )
            for mine in rows
        ]
        size = sum(map(len, rows)) * int(np.prod(index.shape)) * kind.itemsize
        if size > memory():
            console.say(f"{size / 1e9:,.1f} GB of images stay on disk ({MEMORY}: {memory():,})")
            return [OnDisk(*own, reader, mine) for own, mine in zip(common, rows, strict=True)]
        found = [np.empty((len(mine), *index.shape), kind) for mine in rows]
        with console.bar("read", index.rows, "images") as bar:
            for group, (start, stop) in enumerate(itertools.pairwise(reader.starts)):
                pixels = reader.group(group)
                for mine, part in zip(rows, found, strict=True):
                    first, last = np.searchsorted(mine, (start, stop))
                    part[first:last] = pixels[mine[first:last] - start]
                bar.update(len(pixels))
        return [InMemory(*own, part) for own, part in zip(common, found, strict=True)]


class Reader:
    """Reads row groups of shards, as integers."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self.index = index
        self.groups = [
            (file.name, group, rows)
            for file in index.files
            for group, rows in enumerate(shard.group_rows(folder / file.name))
        ]
        self.starts = np.cumsum([0, *(rows for _, _, rows in self.groups)])
        """The first row of each group, and the number of rows."""
        self.group = lru_cache(2)(self._group)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The pixels of some rows, in that order."""
        found = np.empty((len(rows), *self.index.shape), self.index.kind)
        groups = np.searchsorted(self.starts, rows, side="right") - 1
        for group in np.unique(groups):
            mine = groups == group
            found[mine] = self.group(group)[rows[mine] - self.starts[group]]
        return found

    def _group(self, number: int) -> NDArray[Any]:
        name, group, _ = self.groups[number]
        images = shard.group_images(self.folder / name, self.index.shape, group)
        return shard_index.integers(images, self.index.divisor)
