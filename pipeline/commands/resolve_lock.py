"""Settle what a Git merge left in conflict in dvc.lock and in metrics: docs/merging.md.

After `git merge` stopped with conflicts there:

    python -m pipeline resolve-lock
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """What was settled, and what is to be run."""
    from pipeline.repository import merge

    return merge.resolve()
