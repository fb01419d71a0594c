"""Keep the committed weights of runs that were only trained again.

The same inputs give other weights on another type of machine. This puts records, weights and
metrics of the last commit back, with all that follows from them:

    python -m pipeline keep-recorded
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """Return what was put back."""
    from pipeline.core import process_lock
    from pipeline.repository import retrained

    with process_lock.project():
        return retrained.keep()
