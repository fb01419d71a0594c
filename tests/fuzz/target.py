"""What a fuzzer needs to search a reader."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Target(NamedTuple):
    """A reader, and inputs to begin with."""

    read: Callable[[bytes, Path], None]
    """Takes an input and an empty folder to write in; raises a PipelineError, or returns."""
    seed: Callable[[Path], None]
    """Writes good inputs to a folder, a file each."""
