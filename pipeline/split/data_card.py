"""The data card: what a dataset's subsets hold, counted exactly, without opening an image again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.shards.index import Index, ShardFile
from pipeline.subsets.split import SUBSETS, Split


def data_card(dataset: str, folder: Path, index: Index, split: Split) -> dict[str, Any]:
    """Describe a dataset and its subsets.

    Returns
    -------
    dict
        ``subsets``: for each its ``n`` and the images of each class. ``training_pixels``: minimum
        and maximum, and for each channel mean and (population) standard deviation of the training
        subset's normalized pixels, in [0, 1]. ``duplicates``: images that repeat an earlier one
        exactly ``within`` a subset, and distinct images that stand in two subsets (``across``).
        Further the classes, the shape, the data's identity and the number of images quarantined.
    """
    labels = shard_index.column(folder, index, "label").to_numpy()
    return {
        "dataset": dataset,
        "classes": list(index.classes),
        "shape": list(index.shape),
        "content_sha256": index.content_sha256,
        "subsets": {
            subset: _counts(labels[split.rows(subset)], index.classes) for subset in SUBSETS
        },
        "training_pixels": _pixels(folder, index, split.rows("train")),
        "duplicates": _duplicates(folder, index, split),
        "quarantined": len(index.quarantined),
    }


def _counts(labels: NDArray[np.int32], classes: tuple[str, ...]) -> dict[str, Any]:
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    return {"n": len(labels), "classes": dict(zip(classes, counts, strict=True))}


def _pixels(folder: Path, index: Index, rows: NDArray[np.int64]) -> dict[str, Any]:
    def of(name: str) -> NDArray[np.int32]:
        values: NDArray[np.int32] = shard_index.column(folder, index, name).to_numpy()
        return values[rows]

    statistics = shard_index.statistics(folder, index, rows)
    return {
        "min": int(of("pixel_min").min()) / index.divisor,
        "max": int(of("pixel_max").max()) / index.divisor,
        "mean": list(statistics.mean),
        "std": list(statistics.std),
    }


def _duplicates(folder: Path, index: Index, split: Split) -> dict[str, Any]:
    subsets: dict[str, list[bytes]] = {subset: [] for subset in SUBSETS}
    for row, digest in _suspects(folder, index):
        subsets[SUBSETS[split.subsets[row]]].append(digest)
    distinct = {subset: set(found) for subset, found in subsets.items()}
    pairs = (("train", "validation"), ("train", "test"), ("validation", "test"))
    return {
        "within": {subset: len(subsets[subset]) - len(distinct[subset]) for subset in SUBSETS},
        "across": {f"{a}_{b}": len(distinct[a] & distinct[b]) for a, b in pairs},
    }


def _suspects(folder: Path, index: Index) -> Iterator[tuple[int, bytes]]:
    """The rows whose digest begins as another row's does, and their digests.

    All repeated images are among them, and hardly another; so eight bytes of each digest are held
    and not all of it, in Python's objects.
    """
    beginnings = np.empty(index.rows, np.uint64)
    for start, file in shard_index.file_starts(index):
        beginnings[start : start + file.rows] = _beginnings(_digests(folder, file))
    beginnings.sort()
    shared = beginnings[1:][beginnings[1:] == beginnings[:-1]]
    if not len(shared):
        return
    for start, file in shard_index.file_starts(index):
        digests = _digests(folder, file)
        rows = np.flatnonzero(np.isin(_beginnings(digests), shared))
        yield from zip(
            (start + rows).tolist(), digests.take(pa.array(rows)).to_pylist(), strict=True
        )


def _digests(folder: Path, file: ShardFile) -> pa.FixedSizeBinaryArray:
    return shard.column(folder / file.name, "sha256", pa.binary(32)).combine_chunks()


def _beginnings(digests: pa.FixedSizeBinaryArray) -> NDArray[np.uint64]:
    values = np.frombuffer(digests.buffers()[1], np.uint64).reshape(-1, 4)
    return values[digests.offset :, 0][: len(digests)]
