"""Validate every section of params.yaml and of the ablation study's.

All faults are named at once, each with its full key:

    python -m pipeline check
"""

from argparse import Namespace
from pathlib import Path


def run(_: Namespace) -> str:
    """All faults in one error, else how many datasets and runs are valid."""
    from pipeline import schema
    from pipeline.core import paths
    from pipeline.core.params import Params

    params = Params.read()
    found = [schema.check_params(params)]
    study = Path("ablation") / paths.PARAMS
    if study.exists():
        found.append(schema.check_study(Params.read(study), params))
    return "\n".join(found)
