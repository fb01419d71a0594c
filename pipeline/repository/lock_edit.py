"""Edits of ``dvc.lock``: records of stages that are no more."""

from collections.abc import Collection
from pathlib import Path

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
    """Remove the records of stages from ``dvc.lock``, which DVC writes in the same form.

    Raises
    ------
    PipelineError
        If it is damaged, or DVC is at work.
    """
    if not recorded(unwanted):
        return
    with opened() as repo, repo.lock:
        value = parse_yaml(files.read_text(LOCK), LOCK)
        value["stages"] = {
            name: entry for name, entry in value["stages"].items() if name not in unwanted
        }
        with files.new_file(LOCK) as work:
            dump_yaml(work, value)
