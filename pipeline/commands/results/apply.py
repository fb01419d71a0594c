"""Take an experiment's parameters, metrics and data, as dvc exp apply does.

Data of other runs need not be here; where they are missing, dvc exp apply (DVC 3.67) ends in an
error. What is not committed is replaced, by either:

    python -m pipeline apply dropout-0.2
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the experiment."""
    parser.add_argument("experiment", metavar="EXPERIMENT", help="its name or commit")


def run(arguments: Namespace) -> str:
    """Return the next step."""
    import logging

    from pipeline.core import places
    from pipeline.core.params import Params
    from pipeline.repository.dvc import opened

    params = Params.read()
    places.check_outputs(params.value("datasets"), params.value("runs"))
    for name in ("dvc", "dvc_data"):  # they list what is not here, or was never made
        logging.getLogger(name).setLevel(logging.ERROR)
    with opened(studies=False) as repo:
        repo.experiments.apply(arguments.experiment, allow_missing=True)
    return "To keep it: git add params.yaml dvc.lock metrics, and git commit"
