"""Edits of ``dvc.lock``: records of stages that are no more."""

from collections.abc import Collection
from pathlib import Path

from dvc.utils.serialize import dump_yaml, parse_yaml

from pipeline.core import files
from pipeline.repository.dvc import LOCK, opened, stages


def recorded(names: Collection[str]) -> list[str]:
    """Return the stages of ``names`` that ``dvc.lock`` records; raises PipelineError if damaged."""
    with opened() as repo:
        text = files.read_text(LOCK) if LOCK.exists() else ""
        there = stages(text, Path(repo.root_dir, LOCK))
    return [name for name in names if name in there]


def forget(names: Collection[str]) -> None:
    """Remove the records of stages from ``dvc.lock``, which DVC writes in the same form.

    Raises
    ------
    PipelineError
        If it is damaged, or DVC is at work.
    """
    if not recorded(names):
        return
    with opened() as repo, repo.lock:
        value = parse_yaml(files.read_text(LOCK), LOCK)
        value["stages"] = {
            name: entry for name, entry in value["stages"].items() if name not in names
        }
        with files.new_file(LOCK) as work:
            dump_yaml(work, value)
