"""IDX files."""

from pathlib import Path

import numpy as np

from pipeline.images import idx
from tests.fuzz.target import Target


def read(content: bytes, _: Path) -> None:
    """Parse an IDX file; what is parsed is written as it was."""
    array = idx.loads(content)
    if array.size:
        assert idx.dumps(array) == content


def seed(folder: Path) -> None:
    """Arrays of several types and ranks."""
    for number, array in enumerate((np.zeros((2, 3, 4), np.uint8), np.arange(5.0), np.int32(7))):
        (folder / str(number)).write_bytes(idx.dumps(np.asarray(array)))


TARGETS = {"idx": Target(read, seed)}
