"""A project folder with two tiny datasets, in which stages run."""

import copy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.core import files
from tests.support import warm
from tests.support.builders.datasets import CLASSES, IDX_FILES, archive_dataset, idx_dataset

ROOT = Path(__file__).parents[3]
"""The checkout."""


def params(published: Path) -> dict[str, Any]:
    """Return parameters of two tiny datasets, ``tiny_idx`` and ``tiny_png``, and a run of each."""
    downloads = {
        folder.name: {
            "files": [
                {
                    "name": path.name,
                    "bytes": path.stat().st_size,
                    "sha256": files.sha256(path),
                    "sources": [f"file:{path}"],
                }
                for path in sorted(folder.iterdir())
            ]
        }
        for folder in published.iterdir()
    }
    return {
        "datasets": {
            "tiny_idx": {
                "kind": "idx",
                "download": downloads["tiny_idx"],
                "extract": copy.deepcopy(IDX_FILES),
                "decode": {"classes": list(CLASSES), "format": "parquet", "shard_rows": 25},
                "split": {"validation_count": 6},
            },
            "tiny_png": {
                "kind": "archive",
                "download": downloads["tiny_png"],
                "extract": {
                    "archive": "train.7z",
                    "labels": "trainLabels.csv",
                    "members": "train/*.png",
                    "part_rows": 20,
                },
                "decode": {"classes": list(CLASSES), "format": "parquet", "shape": [8, 8, 3]},
                "split": {"test_fraction": 0.2, "validation_fraction": 0.2, "seed": 42},
            },
        },
        "defaults": {
            "model": {"filters": [4], "dense": [8]},
            "train": {"epochs": 2, "batch_size": 4, "optimizer": {"name": "adam"}, "threads": 1},
            "evaluate": {"batch_size": 8, "threads": 1},
            "report": {"dpi": 50, "mistakes": 3, "samples_per_class": 2},
        },
        "runs": {
            name: {
                "dataset": name,
                "network": "cnn",
                "weights": "data/weights/none",
                "model": {},
                "train": {},
                "evaluate": {},
                "report": {},
            }
            for name in ("tiny_idx", "tiny_png")
        },
    }


class Project:
    """A project folder whose datasets are downloaded: ``published/`` and a copy in ``data/raw/``.

    Attributes
    ----------
    folder : Path
    idx, png : dict
        Returned by ``idx_dataset`` for ``tiny_idx`` and by ``archive_dataset`` for ``tiny_png``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        published = folder / "published"
        self.idx = idx_dataset(published / "tiny_idx")
        self.png = archive_dataset(published / "tiny_png")
        shutil.copytree(published, folder / "data" / "raw")
        shutil.copy(ROOT / "libraries.yaml", folder)
        self.params = params(Path("published"))
        self.write()

    def copy(self, folder: Path) -> "Project":
        """Return the same project, whose files were copied to ``folder``."""
        other = copy.copy(self)
        other.folder = folder
        other.params = copy.deepcopy(self.params)
        return other

    def write(self) -> None:
        """Write ``params`` to ``params.yaml``."""
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False  # in the other, DVC's parser takes no unquoted colon
        yaml.dump(self.params, self.folder / "params.yaml")

    def set(self, key: str, value: Any) -> None:
        """Set a parameter, named by its full key, and write ``params.yaml``."""
        *parents, last = key.split(".")
        section = self.params
        for name in parents:
            section = section[name]
        section[last] = value
        self.write()

    def run(
        self, stage: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``stages/<stage>.py`` here, as DVC does, by a process that starts at once."""
        python = str(warm.programs() / "python")
        variables = {**warm.SEED, **(env or {})}
        with self.start(stage, *arguments, env=variables, python=python) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(
        self,
        stage: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        python: str = sys.executable,
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Start ``stages/<stage>.py`` in this folder, in a process group of its own.

        ``before`` is a command that starts it, as ``nice``; ``options`` go to ``Popen``.
        """
        return subprocess.Popen(
            [*before, python, "-m", f"stages.{stage}", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            start_new_session=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
        )


def until(is_so: Callable[[], object], seconds: float = 60) -> None:
    """Wait until a condition holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "the condition does not come to hold"
        time.sleep(0.01)
