"""Validate params.yaml and the parameters of the ablation study.

All sections are read, and all faults are named at once, each with its full key:

    python -m pipeline check
"""

from argparse import Namespace
from pathlib import Path


def run(_: Namespace) -> str:
    """Return the numbers of valid datasets and runs, or raise one error with all faults."""
    from pipeline import schema
    from pipeline.core import paths
    from pipeline.core.params import Params

    params = Params.read()
    lines = [schema.check_params(params)]
    study = Path("ablation") / paths.PARAMS
    if study.exists():
        lines.append(schema.check_study(Params.read(study), params))
    return "\n".join(lines)
