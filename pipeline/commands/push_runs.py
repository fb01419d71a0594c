"""Push DVC's run cache with the data of its runs, so that nobody runs them again.

After experiments that are not committed:

    python -m pipeline push-runs
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """How much was pushed."""
    from pipeline.repository import remotes

    return remotes.push_runs()
