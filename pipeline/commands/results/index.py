"""Write metrics/index.html, a page that compares all runs.

Those of the studies are among them. Its table sorts and filters, its curves are laid over each
other; it opens without a network:

    python -m pipeline index
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """Return the page's path."""
    from pipeline.compare import runs_page
    from pipeline.core import process_lock

    with process_lock.project():
        return runs_page.write()
