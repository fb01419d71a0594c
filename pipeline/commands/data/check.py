"""Validate params.yaml and the parameters of the ablation study.

All sections are read, and all faults are named at once, each with its full key. A folder of outputs
that is a link is named too, for DVC would remove old outputs through it:

    python -m pipeline check
"""

from argparse import Namespace
from pathlib import Path


def run(_: Namespace) -> str:
    """Return the numbers of valid datasets and runs, or raise one error with all faults."""
    from pipeline import schema
    from pipeline.core import paths, places
    from pipeline.core.params import Params

    params = Params.read()
    lines = [schema.check_params(params)]
    for folder in paths.outputs(params.value("datasets"), params.value("runs")):
        places.check(folder)
    study = Path("ablation") / paths.PARAMS
    if study.exists():
        lines.append(schema.check_study(Params.read(study), params))
    return "\n".join(lines)
