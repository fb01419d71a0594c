"""Images of a subset as the integers that they came from, held in memory or read from disk.

Images larger than ``PIPELINE_MEMORY`` together are read from the shards again in every pass. Both
ways give the same batches, so this is an environment variable and no parameter.
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

from pipeline.core import console, errors, limits, paths
from pipeline.core.errors import DataError, ParameterError, shown
from pipeline.execution.prefetch import prefetch
from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.shards.index import Index, ShardFile, Statistics
from pipeline.subsets import split as split_file
from pipeline.subsets.class_weights import balanced
from pipeline.subsets.data_card import DataCard

MEMORY = "PIPELINE_MEMORY"
WINDOW_BYTES = 32 << 20
"""Bytes of images that are read together from disk."""

Batches = Iterator[tuple[NDArray[Any], NDArray[np.int32]]]
"""Pairs of pixels, uint8 or uint16 of shape (n, height, width, channels), and labels, int32[n]."""


def memory() -> int:
    """Return the bytes that images may take in memory.

    They are ``PIPELINE_MEMORY``, or a quarter of the machine's memory where that is not set.

    Raises
    ------
    ParameterError
        If the environment variable is not a whole number.
    """
    text = os.environ.get(MEMORY, "")
    if not text:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    number = limits.number(text)
    if number is None:
        raise ParameterError(f"{MEMORY} must be a whole number of bytes, got {shown(repr(text))}")
    return number


@dataclass(frozen=True)
class Images:
    """Labelled images of a subset, in the shards' row order."""

    ids: list[str]
    labels: NDArray[np.int32]
    shape: tuple[int, int, int]
    """Height, width, channels."""
    dtype: np.dtype[Any]
    """The pixels' type, uint8 or uint16."""
    divisor: int
    """255 or 65,535: pixels divided by it are exactly the shards' float32 images."""
    group_starts: NDArray[np.int64]
    """For each row group of the shards, the position of its first image among these images."""

    def batches(self, order: NDArray[np.int64], size: int) -> Batches:
        """Yield the images at the positions ``order``, ``size`` at a time."""
        raise NotImplementedError


@dataclass(frozen=True)
class InMemory(Images):
    """Images that are held in memory."""

    pixels: NDArray[Any]
    """uint8 or uint16, shape (n, height, width, channels)."""

    def batches(self, order: NDArray[np.int64], size: int) -> Batches:
        """Yield batches; see ``Images``."""
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield self.pixels[rows], self.labels[rows]


@dataclass(frozen=True)
class OnDisk(Images):
    """Images that are read from the shards in every pass, a few windows ahead."""

    reader: "Reader"
    rows: NDArray[np.int64]
    """Their rows in the shards."""

    def batches(self, order: NDArray[np.int64], size: int) -> Batches:
        """Yield batches; see ``Images``.

        It is slow where each window of ``order`` touches many row groups.
        """
        window = max(1, WINDOW_BYTES // (size * int(np.prod(self.shape)))) * size
        parts = (order[start : start + window] for start in range(0, len(order), window))
        for part, pixels in prefetch((part, self.reader.take(self.rows[part])) for part in parts):
            for start in range(0, len(part), size):
                stop = start + size
                yield pixels[start:stop], self.labels[part[start:stop]]


@dataclass(frozen=True)
class Dataset:
    """A dataset's shards and their division into subsets."""

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
        return cls.at(paths.shards(name), paths.split(name))

    @classmethod
    def at(cls, folder: Path, path: Path) -> "Dataset":
        """Read the index in the shards' folder and the split at a path; raises as ``read``."""
        index = Index.read(folder)
        split = split_file.read(path)
        if not split.ids.equals(shard_index.column(folder, index, "id")):
            raise DataError(f"{path} and {folder} are of different data; run dvc repro")
        for subset in ("train", "test"):
            if not (split.subsets == split_file.SUBSETS.index(subset)).any():
                raise DataError(f"{path} has no image for {subset}; split again (dvc repro)")
        return cls(folder, index, split)

    def card(self, path: Path) -> DataCard:
        """Read the data card at a path; raise DataError if it is damaged or of other data."""
        card, index = DataCard.read(path), self.index
        counted = {subset: len(self.split.rows(subset)) for subset in split_file.SUBSETS}
        own = card.content_sha256, card.classes, card.shape
        found = {subset: one.n for subset, one in card.subsets.items()}
        if own != (index.content_sha256, index.classes, index.shape) or found != counted:
            raise DataError(f"{path} is not of {self.folder}; split again (dvc repro)")
        return card

    @property
    def identity(self) -> str:
        """SHA-256, in hexadecimal, of all images, their labels and their subsets."""
        content = self.index.content_sha256.encode() + self.split.subsets.tobytes()
        return hashlib.sha256(content).hexdigest()

    def statistics(self, subset: str) -> Statistics:
        """Compute the mean and standard deviation of a subset's normalized images."""
        return shard_index.statistics(self.folder, self.index, self.split.rows(subset))

    def class_weights(self) -> NDArray[np.float64]:
        """Return the weight of each class, float64[K], by the labels of the training subset.

        Raises
        ------
        ParameterError
            If a class has no training image.
        """
        classes = self.index.classes
        counts = np.bincount(self.labels()[self.split.rows("train")], minlength=len(classes))
        try:
            return balanced(counts)
        except ZeroDivisionError:
            raise ParameterError(
                f"train.class_weights: the class {classes[int(np.argmin(counts))]!r} has no "
                "training image to weight; take it out of decode.classes, or set class_weights: "
                "none"
            ) from None

    def labels(self) -> NDArray[np.int32]:
        """Return the labels of all rows."""
        labels: NDArray[np.int32] = shard_index.column(self.folder, self.index, "label").to_numpy()
        return labels

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the normalized images of ``rows``, float32[n, h, w, c] in [0, 1]."""
        return shard_index.take(self.folder, self.index, rows)

    def images(self, *subsets: str) -> list[Images]:
        """Return the images of each of ``subsets``.

        All are read in one pass over the shards, unless they need more bytes than ``memory``.
        """
        index, reader = self.index, Reader(self.folder, self.index)
        labels = self.labels()
        rows = [self.split.rows(subset) for subset in subsets]
        descriptions = [
            (
                self.split.ids.take(pa.array(subset_rows)).to_pylist(),
                labels[subset_rows],
                index.shape,
                index.dtype,
                index.divisor,
                np.unique(np.searchsorted(subset_rows, reader.starts[:-1])),
            )
            for subset_rows in rows
        ]
        size = sum(map(len, rows)) * int(np.prod(index.shape)) * index.dtype.itemsize
        if size > memory():
            console.info(f"{size / 1e9:,.1f} GB of images stay on disk ({MEMORY}: {memory():,})")
            return [
                OnDisk(*description, reader, subset_rows)
                for description, subset_rows in zip(descriptions, rows, strict=True)
            ]
        pixels = [np.empty((len(subset_rows), *index.shape), index.dtype) for subset_rows in rows]
        with console.bar("read", index.rows, "images") as bar:
            for group, (start, stop) in enumerate(itertools.pairwise(reader.starts)):
                group_pixels = reader.group(group)
                for subset_rows, subset_pixels in zip(rows, pixels, strict=True):
                    first, last = np.searchsorted(subset_rows, (start, stop))
                    subset_pixels[first:last] = group_pixels[subset_rows[first:last] - start]
                bar.update(len(group_pixels))
        return [
            InMemory(*description, subset_pixels)
            for description, subset_pixels in zip(descriptions, pixels, strict=True)
        ]


class Reader:
    """A reader of shards' row groups as integers, which keeps the last two."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self.index = index
        self.groups = [
            (file.name, group, rows)
            for file in index.files
            for group, rows in enumerate(_group_rows(folder, file))
        ]
        self.starts = np.cumsum([0, *(rows for _, _, rows in self.groups)])
        """The first row of each group, then the number of all rows."""
        self.group = lru_cache(2)(self._group)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the pixels of ``rows``, in that order."""
        pixels = np.empty((len(rows), *self.index.shape), self.index.dtype)
        groups = np.searchsorted(self.starts, rows, side="right") - 1
        for group in np.unique(groups):
            inside = groups == group
            pixels[inside] = self.group(group)[rows[inside] - self.starts[group]]
        return pixels

    def _group(self, number: int) -> NDArray[Any]:
        name, group, _ = self.groups[number]
        images = shard.group_images(self.folder / name, self.index.shape, group)
        with errors.one_line(self.folder / name, shard_index.REMEDY):
            return shard_index.integers(images, self.index.divisor)


def _group_rows(folder: Path, file: ShardFile) -> list[int]:
    """Return the number of images in each row group of a shard; raise DataError if it has others.

    They are those that the index names.
    """
    groups = shard.group_rows(folder / file.name)
    if sum(groups) != file.rows:
        raise DataError(
            f"{folder / file.name}: it holds {sum(groups):,} images, not {file.rows:,} as its "
            f"index says; {shard_index.REMEDY}"
        )
    return groups
