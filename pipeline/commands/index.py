"""Write metrics/index.html, one page that compares all runs, the ablation's among them.

Its table sorts and filters, its curves are laid over each other; it opens without a network:

    python -m pipeline index
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """Where the page is."""
    from pipeline.compare import runs_page

    return runs_page.write()
