"""Orphans: records and metrics of datasets and runs that ``params.yaml`` does not have."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.core import paths
from pipeline.core.errors import first_few
from pipeline.core.params import Params
from pipeline.project.removal import DATA_STAGES, RUN_STAGES
from pipeline.repository import lock_edit

FOLDERS = {"dataset": paths.METRICS / "datasets", "run": paths.METRICS / "runs"}
STAGES = {"dataset": DATA_STAGES, "run": RUN_STAGES}


def faults(params: Params) -> Iterator[str]:
    """Yield a line for each dataset and run that is left in ``dvc.lock`` or in the metrics alone.

    Raises
    ------
    PipelineError
        If ``dvc.lock`` is damaged.
    """
    recorded = lock_edit.names()
    for what, folder in FOLDERS.items():
        found: dict[str, list[str]] = {}
        for path in sorted(folder.iterdir() if folder.is_dir() else ()):
            if path.is_dir() and any(path.iterdir()):  # a merge leaves empty ones
                found.setdefault(path.name, []).append(_folder(path))
        for name in recorded:
            stage, _, key = name.partition("@")
            if key and stage in STAGES[what]:
                found.setdefault(key, []).append(name)
        for name, places in sorted(found.items()):
            if name not in params.value(f"{what}s"):
                yield (
                    f"{params.path} has no {what} {name}, but there are {first_few(places)}; run "
                    f"python -m pipeline remove-{what} {name}"
                )


def _folder(path: Path) -> str:
    return f"{path.as_posix()}/"
