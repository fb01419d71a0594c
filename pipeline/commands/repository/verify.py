"""Check that parameters, code, data, dvc.lock and metrics agree.

It lists what does not, reads every byte that is here again, and trains nothing. The exit status is
1 if there is a fault:

    python -m pipeline verify
    python -m pipeline verify --remote
    python -m pipeline verify report@demo_png --remote
    python -m pipeline verify --predict

What nobody shared through the remote yet is told, and is a fault if a target was named.

Models predict again, and all that follows from predictions is computed again. By default those of
small datasets do; --predict is for all that are here, which takes minutes.
"""

import sys
from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the targets, ``--remote`` and ``--predict``."""
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="with --remote: a stage or output that it is to hold, with what that depends on; by "
        "default all but studies",
    )
    parser.add_argument(
        "--remote",
        nargs="?",
        const="",
        metavar="NAME",
        help="check too that a DVC remote (the default one, if none is named) holds every "
        "object that dvc.lock records: fetches and hashes each, and keeps none",
    )
    parser.add_argument("--predict", action="store_true", help="predict again with every model")


def run(arguments: Namespace) -> str:
    """Return that all agrees; exits with status 1 and the list of faults if there is one."""
    from pipeline.core import console
    from pipeline.core.errors import first_few
    from pipeline.core.params import Params
    from pipeline.repository import retrained
    from pipeline.verify import faults, results

    params = Params.read()
    unshared: list[str] = []
    found = list(
        faults.faults(
            params,
            arguments.remote,
            arguments.targets,
            predict_all=arguments.predict,
            note=None if arguments.targets else unshared.append,
        )
    )
    if found:
        lines = "\n".join(found)
        sys.exit("".join(c if c == "\n" or c.isprintable() else " " for c in lines))
    for run in retrained.find():
        console.note(f"pipeline verify: {run.describe()}")
    if older := results.without_digest(params):
        console.note(
            f"pipeline verify: models of earlier versions, without a digest: {first_few(older)}"
        )
    if not arguments.predict and (large := results.too_large(params)):
        console.note(
            f"pipeline verify: not predicted again, for want of --predict: {first_few(large)}"
        )
    for line in unshared:
        console.note(f"pipeline verify: {line}")
    rest = "the rest of what" if unshared else "all that"
    held = "" if arguments.remote is None else f", and the remote holds {rest} dvc.lock records"
    return f"all that is here agrees{held}"
