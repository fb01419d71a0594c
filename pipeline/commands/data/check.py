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
    schema.check_weights(params)
    places.check_outputs(params.value("datasets"), params.value("runs"))
    for folder in paths.studies():
        study = Params.read(folder / paths.PARAMS)
        lines.append(schema.check_study(study, params))
        for place in paths.outputs(study.value("datasets"), study.value("runs")):
            places.check(folder / place)
    return "\n".join(lines)
