"""Validate every section of params.yaml and the installed versions' record.

All faults are named at once, each with its full key:

    python -m pipeline check
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """All faults in one error, else how many datasets and runs are valid."""
    from pipeline.checks import check_params
    from pipeline.params import Params

    return check_params(Params.read())
