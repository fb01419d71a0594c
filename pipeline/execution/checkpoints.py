"""Checkpoints: what an interrupted stage had done, for its next start to go on with.

Each is bound by a key to all that it comes from: code, library versions, parameters and data. One
with another key, or a damaged one, is as good as none.
"""

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core import files


class Checkpoint:
    """A file of arrays and a JSON value, bound to ``key``."""

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        self.parent = os.getppid()

    def write(self, arrays: Sequence[NDArray[Any]], note: Any) -> None:
        """Replace what was there."""
        with files.new_file(self.path) as work, work.open("wb") as file:
            text = json.dumps({"key": self.key, "note": note})
            np.savez(file, allow_pickle=False, note=np.array(text), *arrays)  # noqa: B026
            file.flush()
            os.fsync(file.fileno())  # a power cut leaves this one or the one before

    def read(self) -> tuple[list[NDArray[Any]], Any] | None:
        """The arrays and the note; None if there are none, damaged ones, or others' ones."""
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                value = json.loads(str(found["note"]))
                if value["key"] != self.key:
                    return None
                return [found[f"arr_{n}"] for n in range(len(found) - 1)], value["note"]
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None

    def remove(self) -> None:
        """Remove the file, unless who started this process is gone.

        Killing ``dvc`` alone leaves its stage running and its result unrecorded; the stage that is
        started next then has nothing left to do but to take it up.
        """
        if os.getppid() == self.parent:
            self.path.unlink(missing_ok=True)
