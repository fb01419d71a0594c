"""Show the metrics of every run that has been evaluated, and where its report is.

From the metrics that are here, those that Git brought included:

    python -m pipeline summary
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """A table of runs."""
    from pipeline import summaries
    from pipeline.params import Params

    return summaries.table(Params.read())
