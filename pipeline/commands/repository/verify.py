"""Check that parameters, code, data, dvc.lock and metrics agree.

It lists what does not, reads every byte that is here again, and trains nothing. The exit status is
1 if there is a fault:

    python -m pipeline verify
    python -m pipeline verify --remote
"""

import sys
from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add ``--remote``."""
    parser.add_argument(
        "--remote",
        nargs="?",
        const="",
        metavar="NAME",
        help="check too that a DVC remote (the default one, if none is named) holds every "
        "object that dvc.lock records: fetches and hashes each, and keeps none",
    )


def run(arguments: Namespace) -> str:
    """Return that all agrees; exits with status 1 and the list of faults if there is one."""
    from pipeline import verify
    from pipeline.core import console
    from pipeline.core.errors import first_few
    from pipeline.core.params import Params

    params = Params.read()
    faults = list(verify.faults(params, arguments.remote))
    if faults:
        lines = "\n".join(faults)
        sys.exit("".join(c if c == "\n" or c.isprintable() else " " for c in lines))
    if older := verify.without_digest(params):
        console.note(
            f"pipeline verify: models of earlier versions, without a digest: {first_few(older)}"
        )
    held = "" if arguments.remote is None else ", and the remote holds all that dvc.lock records"
    return f"all that is here agrees{held}"
