"""What the hooks do, each in a line or none, in a clone that has only a part of the data."""

from collections.abc import Sequence
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo

from pipeline.core.errors import first_few
from pipeline.repository import lock_check
from pipeline.repository.dvc import checkout, opened
from pipeline.repository.remote import sharing

PULL = "python -m pipeline pull"


def put_here() -> str:
    """Put the recorded outputs that the cache has into their places, where they are not.

    Returns
    -------
    str
        What was put here, and what is here in another version than is recorded.
    """
    with opened(studies=False) as repo:
        outs = sharing.recorded(repo)
        other = [out for out in outs if not out.exists or out.changed_checksum()]
        ready = [out for out in other if not out.changed_cache()]
        unsaved = _check_out(repo, ready)
        stale = [out for out in other if out.exists and out not in ready]
    placed = len(ready) - len(unsaved)
    parts = [f"{placed:,} outputs put here, of the cache"] if placed else []
    if stale:
        parts.append(f"not of this revision, until {PULL}: {_shown(stale)}")
    if unsaved:
        parts.append(f"changed here, and left so (dvc checkout --force): {_shown(unsaved)}")
    return "; ".join(parts)


def doubts() -> str:
    """Return what is not as ``dvc.lock`` records it, shortened to a line; nothing if all is."""
    found = list(lock_check.faults(studies=False))
    if not found:
        return ""
    more = f"; and {len(found) - 1:,} more: python -m pipeline verify" if found[1:] else ""
    return found[0] + more


def push() -> str:
    """Push what this clone has to the default remote, if there is one.

    Returns
    -------
    str
        How much was new there; of what is not here `review` tells, and not every push.
    """
    with opened(studies=False) as repo:
        remote = repo.config["core"].get("remote")
    return sharing.push().partition("; ")[0] if remote else ""


def _check_out(repo: Repo, outs: Sequence[Any]) -> list[Any]:
    """Check outputs out; return those that hold what the cache does not have, which are left."""
    unsaved = []
    for out in outs:
        try:
            checkout(repo, [out])
        except DvcException:
            unsaved.append(out)
    return unsaved


def _shown(outs: Sequence[Any]) -> str:
    return first_few([str(out) for out in outs])
