"""Counting for a dataset's data card, from the shards' columns other than ``image``."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core.errors import DataError
from pipeline.shards import index as shard_index
from pipeline.shards.index import Index, ShardFile
from pipeline.subsets.data_card import DataCard, Duplicates, SubsetCounts, TrainingPixels
from pipeline.subsets.split import SUBSETS, Split


def data_card(dataset: str, folder: Path, index: Index, split: Split) -> DataCard:
    """Compute the data card of the shards in ``folder`` and their split."""
    labels = shard_index.column(folder, index, "label").to_numpy()
    return DataCard(
        dataset=dataset,
        classes=index.classes,
        shape=index.shape,
        content_sha256=index.content_sha256,
        subsets={subset: _counts(labels[split.rows(subset)], index.classes) for subset in SUBSETS},
        training_pixels=_pixels(folder, index, split.rows("train")),
        duplicates=_duplicates(folder, index, split),
        quarantined=len(index.quarantined),
    )


def _counts(labels: NDArray[np.int32], classes: tuple[str, ...]) -> SubsetCounts:
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    return SubsetCounts(n=len(labels), classes=dict(zip(classes, counts, strict=True)))


def _pixels(folder: Path, index: Index, rows: NDArray[np.int64]) -> TrainingPixels:
    def column(name: str) -> NDArray[np.int32]:
        values: NDArray[np.int32] = shard_index.column(folder, index, name).to_numpy()
        return values[rows]

    statistics = shard_index.statistics(folder, index, rows)
    low, high = int(column("pixel_min").min()), int(column("pixel_max").max())
    if low > high:
        raise DataError(
            f"{folder}: columns pixel_min and pixel_max contradict each other; {shard_index.REMEDY}"
        )
    return TrainingPixels(
        min=low / index.divisor,
        max=high / index.divisor,
        mean=statistics.mean,
        std=statistics.std,
    )


def _duplicates(folder: Path, index: Index, split: Split) -> Duplicates:
    repeated: dict[str, list[bytes]] = {subset: [] for subset in SUBSETS}
    for row, digest in _repeated(folder, index):
        repeated[SUBSETS[split.subsets[row]]].append(digest)
    distinct = {subset: set(digests) for subset, digests in repeated.items()}
    pairs = (("train", "validation"), ("train", "test"), ("validation", "test"))
    return Duplicates(
        within={subset: len(repeated[subset]) - len(distinct[subset]) for subset in SUBSETS},
        across={f"{a}_{b}": len(distinct[a] & distinct[b]) for a, b in pairs},
    )


def _repeated(folder: Path, index: Index) -> Iterator[tuple[int, bytes]]:
    """Yield the rows whose digest begins like another row's, and their digests.

    All repeated images are among them, and hardly another. Only eight bytes of each digest are held
    at once, which bounds the memory.
    """
    parts = [_beginnings(_digests(folder, index, file)) for file in index.files]
    beginnings = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
    shared = beginnings[1:][beginnings[1:] == beginnings[:-1]]
    if not len(shared):
        return
    for start, file in shard_index.file_starts(index):
        digests = _digests(folder, index, file)
        rows = np.flatnonzero(np.isin(_beginnings(digests), shared))
        yield from zip(
            (start + rows).tolist(), digests.take(pa.array(rows)).to_pylist(), strict=True
        )


def _digests(folder: Path, index: Index, file: ShardFile) -> pa.FixedSizeBinaryArray:
    return shard_index.file_column(folder, index, file, "sha256").combine_chunks()


def _beginnings(digests: pa.FixedSizeBinaryArray) -> NDArray[np.uint64]:
    values = np.frombuffer(digests.buffers()[1], np.uint64).reshape(-1, 4)
    return values[digests.offset :, 0][: len(digests)]
