"""Edits of ``dvc.lock``, such as of records of stages that are no more, or have another name."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from dvc.utils.serialize import dump_yaml

from pipeline.core import files
from pipeline.repository.dvc import LOCK, opened, stages


def names() -> list[str]:
    """Return the stages that ``dvc.lock`` records; raises PipelineError if it is damaged."""
    with opened() as repo:
        text = files.read_text(LOCK) if LOCK.exists() else ""
        return list(stages(text, Path(repo.root_dir, LOCK)))


def recorded(wanted: Collection[str]) -> list[str]:
    """Return the stages of ``wanted`` that ``dvc.lock`` records; raise PipelineError if damaged."""
    there = set(names())
    return [name for name in wanted if name in there]


def forget(unwanted: Collection[str]) -> None:
    """Remove the records of stages from ``dvc.lock``; raises PipelineError as ``rewrite``."""
    if recorded(unwanted):
        rewrite(lambda there: {name: one for name, one in there.items() if name not in unwanted})


def rewrite(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the records of ``dvc.lock``, which is written in the form that DVC writes.

    Parameters
    ----------
    change : callable
        Takes and returns the records by the stages' names.

    Raises
    ------
    PipelineError
        If it is damaged, or DVC is at work.
    """
    if not names():
        return
    with opened() as repo, repo.lock:
        write(LOCK, change(stages(files.read_text(LOCK), LOCK)))


def write(lock: Path, records: Mapping[str, Any]) -> None:
    """Write a lock in the form that DVC writes, which holds its own lock meanwhile.

    Parameters
    ----------
    records : mapping
        What is recorded of each stage, by its name.
    """
    with files.new_file(lock) as work:
        dump_yaml(work, {"schema": "2.0", "stages": dict(records)})
