"""Validate params.yaml and the parameters of the studies.

All sections are read, and all faults are named at once, each with its full key. A folder of outputs
that is a link is named too, for DVC would remove old outputs through it:

    python -m pipeline check
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """Return the numbers of valid datasets and runs, or raise one error with all faults."""
    from pipeline import schema
    from pipeline.core import paths, places
    from pipeline.core.params import Params

    params = Params.read()
    lines = [schema.check_params(params)]
    places.check_outputs(params.value("datasets"), params.value("runs"))
    studies = (Params.read(study / paths.PARAMS) for study in paths.studies())
    lines += [schema.check_study(study, params) for study in studies]
    return "\n".join(lines)
