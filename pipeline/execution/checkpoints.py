"""Checkpoints: the state of an unfinished stage, from which its next start goes on.

A key binds each to all that it comes from: code, library versions, parameters and data. One that is
damaged or has another key counts as none.
"""

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core import files, places
from pipeline.shards import npz


class Checkpoint:
    """A file of arrays and a JSON value, bound to ``key``.

    Attributes
    ----------
    path : Path
        An NPZ file, or where one will be.
    key : str
        Any text; see ``fingerprint.key``.
    parent : int
        Process id of the process that started this one.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        self.parent = os.getppid()

    def write(self, arrays: Sequence[NDArray[Any]], note: Any) -> None:
        """Write the arrays and ``note``, a JSON value, in place of an earlier checkpoint."""
        with files.new_bytes(self.path) as file:
            text = json.dumps({"key": self.key, "note": note})
            np.savez(file, allow_pickle=False, note=np.array(text), *arrays)  # noqa: B026
            file.flush()
            os.fsync(file.fileno())  # so that a power cut leaves this one or the last

    def read(self) -> tuple[list[NDArray[Any]], Any] | None:
        """Return the arrays and the note; None if there is no valid checkpoint with this key."""
        try:
            with files.open_regular(self.path) as file, zipfile.ZipFile(file) as stored:
                value = json.loads(str(npz.array(stored, "note")))
                if value["key"] != self.key:
                    return None
                arrays = [npz.array(stored, f"arr_{n}") for n in range(len(stored.namelist()) - 1)]
                return arrays, value["note"]
        except Exception:  # NumPy's and zipfile's are of a dozen types
            return None

    def remove(self) -> None:
        """Remove the file, unless the process that started this one has ended.

        Killing ``dvc`` alone leaves its stage running and the stage's result unrecorded. From the
        checkpoint the next start then has the result without doing the work again.
        """
        if os.getppid() == self.parent:
            places.remove(self.path)
