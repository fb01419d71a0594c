"""Show the metrics of every evaluated run, and where its report is.

They are read from the metrics here, those that Git brought included:

    python -m pipeline summary
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """Return a table of runs."""
    from pipeline.compare import summary
    from pipeline.core.params import Params

    return summary.table(Params.read())
