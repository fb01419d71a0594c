"""Show the metrics of every run that has been evaluated, and where its report is.

From the metrics that are here, those that Git brought included:

    python -m pipeline summary
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """A table of runs."""
    from pipeline.compare import summary
    from pipeline.core.params import Params

    return summary.table(Params.read())
