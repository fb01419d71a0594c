"""Resolve conflicts of a Git merge in dvc.lock and metrics.

In params.yaml too, where both branches only added datasets and runs. Use it after `git merge`
stopped with conflicts there; docs/merging.md has more:

    python -m pipeline resolve-lock
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """Return what was resolved, and what is to be run."""
    from pipeline.core import process_lock
    from pipeline.project.entries import additions
    from pipeline.repository import merge

    with process_lock.project():
        added = additions.settle()
        return "\n".join(filter(None, (added, merge.resolve())))
