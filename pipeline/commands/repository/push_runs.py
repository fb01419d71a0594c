"""Push DVC's run cache, with the data of its runs.

Then nobody runs them again, not even experiments that are not committed:

    python -m pipeline push-runs
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """Return how much was pushed."""
    from pipeline.repository.remote import remotes

    return remotes.push_runs()
