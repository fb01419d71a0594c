"""Subsets in memory, and the images of shards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.subsets.images import InMemory


def in_memory(
    pixels: NDArray[Any], labels: NDArray[np.int32], groups: Sequence[int] = (0,)
) -> InMemory:
    """Return a subset in memory; ``groups`` holds the first row of each row group."""
    return InMemory(
        [str(number) for number in range(len(labels))],
        labels,
        pixels.shape[1:],
        pixels.dtype,
        np.iinfo(pixels.dtype).max,
        np.array(groups),
        pixels,
    )


def shard_images(folder: Path, index: shard_index.Index) -> NDArray[np.float32]:
    """Return all images of shards, (n, *shape)."""
    files = [folder / file.name for file in index.files]
    return np.concatenate([part for file in files for part in shard.images(file, index.shape)])
