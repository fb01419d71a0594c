"""Edits of ``dvc.lock``: records of stages that are no more, or have another name."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from dvc.utils.serialize import dump_yaml, parse_yaml

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
        value = parse_yaml(files.read_text(LOCK), LOCK)
        with files.new_file(LOCK) as work:
            dump_yaml(work, value | {"stages": change(value["stages"])})
