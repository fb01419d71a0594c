"""Repair of files that DVC was killed while it wrote."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.fs import GitFileSystem
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE
from dvc.scm import RevError
from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml

from pipeline.core import files, places
from pipeline.core.errors import first_few
from pipeline.repository import lock_edit
from pipeline.repository.dvc import LOCK, opened
from pipeline.repository.dvc import stages as recorded_stages


def repair() -> list[str]:
    """Mend what DVC leaves when it is killed while it writes.

    DVC writes two files in place: ``dvc.lock``, and the one in which it notes what it reads and
    writes. The stages that ``dvc.lock`` lost are taken from Git's last commit. Those that were run
    since then are in DVC's cache of runs, from which the next ``dvc repro`` takes them.

    Returns
    -------
    list of str
        A line for each file that was mended.

    Raises
    ------
    PipelineError
        If DVC is at work.
    """
    with opened() as repo, repo.lock:
        root = Path(repo.root_dir)
        mended = list(_repair_rwlock(Path(repo.tmp_dir) / RWLOCK_FILE))
        for lock in (root / LOCK, *sorted(root.glob(f"*/{LOCK}"))):
            mended += _repair_lock(repo, lock)
        return mended


def _repair_rwlock(path: Path) -> Iterator[str]:
    """Remove DVC's note of what it reads and writes, if it was cut short."""
    try:
        json.loads(files.read_bytes(path))
    except FileNotFoundError:
        pass
    except ValueError:
        places.remove(path)
        yield f"{os.path.relpath(path)} was cut short, and removed"


def _repair_lock(repo: Repo, lock: Path) -> Iterator[str]:
    """Fill a ``dvc.lock``, if it was cut short, with the stages that it lost, from Git."""
    text = files.read_text(lock) if lock.exists() else ""
    try:
        value = parse_yaml(text, lock)
    except YAMLFileCorruptedError:
        value = None
    found = value.get("stages") if isinstance(value, dict) else None
    whole = found.items() if isinstance(found, dict) else ()
    stages = {name: entry for name, entry in whole if isinstance(entry, dict)}
    committed = _committed_lock(repo, lock)
    last = next(reversed(stages), "")
    if not text.endswith("\n") or committed.get(last, {}).keys() - stages.get(last, {}).keys():
        stages.pop(last, None)  # where it was cut
    lost = [name for name in committed if name not in stages]
    if lost or not text.endswith("\n"):
        lock_edit.write(lock, committed | stages)
        name = os.path.relpath(lock)
        yield f"{name} was cut short; from Git's last commit came {first_few(lost) or 'nothing'}"


def _committed_lock(repo: Repo, lock: Path) -> dict[str, Any]:
    """Return the stages of a ``dvc.lock`` in Git's last commit; none if it has no such file."""
    committed = GitFileSystem(scm=repo.scm, rev="HEAD")
    path = "/" + lock.relative_to(repo.scm.root_dir).as_posix()
    try:
        return recorded_stages(committed.read_text(path, errors="replace"), lock)
    except (FileNotFoundError, RevError):  # no such file, or no commit at all
        return {}
