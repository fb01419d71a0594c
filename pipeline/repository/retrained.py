"""Runs that were trained again though nothing that they depend on has changed.

On another type of machine the weights come out otherwise, so that they would replace the recorded
ones for no reason: all that follows from them would change too, for everybody.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pygit2
from dvc.repo import Repo

from pipeline.core import files
from pipeline.core.errors import DataError, first_few
from pipeline.execution import machine
from pipeline.execution.machine import Machine
from pipeline.repository import lock_edit
from pipeline.repository.dvc import LOCK, checkout, opened, stages

Entry = dict[str, Any]
TRAIN = "train@"


class Retrained(NamedTuple):
    """A run whose weights differ from the committed ones, by the same inputs."""

    run: str
    committed: Machine | None
    """The type of the machine of the committed weights; None if it was not recorded."""
    here: Machine | None

    def describe(self) -> str:
        """Return what happened, and what to do, on one line."""
        types = [
            one.describe() if one else "another machine" for one in (self.committed, self.here)
        ]
        why = f" on {types[1]}, not {types[0]}" if types[0] != types[1] else ""
        return (
            f"train@{self.run}: trained again{why}: the same inputs gave other weights; to keep "
            "the committed ones: python -m pipeline keep-recorded; to replace them, commit these"
        )


def find() -> list[Retrained]:
    """Return the runs that were trained again with what they had in the last commit.

    Raises
    ------
    PipelineError
        If either lock is damaged.
    """
    with opened() as repo:
        committed, here = _locks(repo)
        found = []
        for name in _changed(committed, here):
            run = name.removeprefix(TRAIN)
            content = _committed(repo, machine.path(run))
            found.append(Retrained(run, _machine(content), Machine.of(run)))
        return found


def keep() -> str:
    """Put the last commit's records, weights and metrics back for the runs of ``find``.

    What follows from the weights is put back too, where nothing else that it depends on has
    changed. The new weights stay in the cache.

    Returns
    -------
    str
        What was put back, and what to do about the rest.

    Raises
    ------
    PipelineError
        If either lock is damaged, or DVC is at work.
    """
    with opened() as repo, repo.lock:
        committed, here = _locks(repo)
        restored = _following(committed, here, set(_changed(committed, here)))
        if not restored:
            return f"nothing to put back: {LOCK} has no run that was only trained again"
        lock_edit.write(LOCK, here | {name: committed[name] for name in restored})
        outs = [out for stage in repo.index.stages for out in stage.outs if _of(stage, restored)]
        for out in outs:
            path = Path(os.path.relpath(out.fs_path))
            content = None if out.use_cache else _committed(repo, path)
            if content is not None:
                files.write_bytes(path, content)
    written = _written(committed, restored)
    left = [
        name
        for name, entry in here.items()
        if name not in restored and any(dep["path"] in written for dep in entry.get("deps", ()))
    ]
    then = f"; to be run: dvc repro {' '.join(left)}" if left else ""
    return f"put back as committed: {', '.join(restored)}{_checked_out(restored)}{then}"


def _checked_out(names: list[str]) -> str:
    """Check the stages' outputs out, and return what is to be pulled."""
    with opened() as repo:
        outs = [out for s in repo.index.stages for out in s.outs if _of(s, names) and out.use_cache]
        here = [out for out in outs if not out.changed_cache()]
        checkout(repo, here, force=True)
        absent = [str(out) for out in outs if out not in here]
    return (
        f"; not in this cache: {first_few(absent)}; run dvc pull {' '.join(names)}"
        if absent
        else ""
    )


def _locks(repo: Repo) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Return the records of the last commit, and those that are here."""
    committed = _committed(repo, LOCK)
    path = Path(repo.root_dir, LOCK)
    before = stages(committed.decode(errors="replace"), path) if committed else {}
    return before, stages(files.read_text(LOCK), path) if LOCK.exists() else {}


def _changed(committed: dict[str, Entry], here: dict[str, Entry]) -> Iterator[str]:
    """Yield the trainings whose record differs in what came out alone."""
    for name, entry in here.items():
        before = committed.get(name)
        if not before or not name.startswith(TRAIN) or entry == before:
            continue
        if {**entry, "outs": None} == {**before, "outs": None}:
            yield name


def _following(committed: dict[str, Entry], here: dict[str, Entry], found: set[str]) -> list[str]:
    """Return ``found`` and the stages that differ by what these wrote alone, in their order."""
    count = -1
    while count != len(found):
        count = len(found)
        written = _written(committed, found)
        for name in here.keys() & committed.keys() - found:
            one, two = (_but(lock[name], written) for lock in (committed, here))
            if committed[name] != here[name] and one == two:
                found.add(name)
    return [name for name in here if name in found]


def _written(lock: dict[str, Entry], names: Iterable[str]) -> set[str]:
    return {out["path"] for name in names for out in lock[name].get("outs", ())}


def _but(entry: Entry, written: set[str]) -> Entry:
    """Return a record without its outputs and the hashes of some dependencies."""
    deps = [dep if dep["path"] not in written else dep["path"] for dep in entry.get("deps", ())]
    return {**entry, "deps": deps, "outs": None}


def _of(stage: Any, names: list[str]) -> bool:
    return stage.addressing in names


def _committed(repo: Repo, path: Path) -> bytes | None:
    """Return a file's content in the last commit; None if it is not there."""
    git = repo.scm.pygit2.repo
    if git.head_is_unborn:
        return None
    inner = Path(repo.root_dir, path).relative_to(repo.scm.root_dir)
    try:
        found = git.head.peel(pygit2.Commit).tree[inner.as_posix()]
    except KeyError:
        return None
    return found.data if isinstance(found, pygit2.Blob) else None


def _machine(content: bytes | None) -> Machine | None:
    """Return a committed type of machine."""
    if content is None:
        return None
    try:
        return Machine.model_validate_json(content)
    except ValueError:
        raise DataError(f"{machine.NAME} of the last commit is damaged") from None
