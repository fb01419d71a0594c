"""Small shards, for tests of their readers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.shards import shard
from pipeline.shards.columns import Rows
from tests.support.builders import CLASSES, pixels

SHAPE = (4, 5, 3)


def rows(n: int = 10, start: int = 0, bits: int = 8) -> Rows:
    """Return rows with ids from ``ü<start>``, in classes that take turns."""
    labels = np.arange(start, start + n, dtype=np.int32) % len(CLASSES)
    return Rows(
        ids=[f"ü{number}" for number in range(start, start + n)],
        positions=np.arange(start, start + n, dtype=np.int32),
        labels=labels,
        pixels=pixels(labels, SHAPE, bits, seed=start),
    )


def write(
    folder: Path, suffix: str, groups: Sequence[Rows] | None = None
) -> tuple[Path, shard.Written]:
    """Write a shard of two row groups, six rows and four, or of other groups."""
    path = folder / f"part.{suffix}"
    groups = [rows(6), rows(4, start=6)] if groups is None else groups
    return path, shard.write(path, groups, CLASSES, SHAPE)
