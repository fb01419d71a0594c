"""Pull what dvc.lock records and the remote has.

What was never pushed is named in one line, where `dvc pull` fails:

    python -m pipeline pull
    python -m pipeline pull report@demo_png
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the targets and the remote."""
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="a stage or output, with what it depends on; by default all but studies",
    )
    parser.add_argument(
        "--remote", default="", metavar="NAME", help="of a DVC remote, by default the default one"
    )


def run(arguments: Namespace) -> str:
    """Return what was pulled."""
    from pipeline.repository import sharing

    return sharing.pull(arguments.remote, arguments.targets)
