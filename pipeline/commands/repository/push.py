"""Push what dvc.lock records and this clone has.

What it does not have is named in one line, where `dvc push` fails:

    python -m pipeline push
    python -m pipeline push report@demo_png
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
    """Return what was pushed."""
    from pipeline.repository.remote import sharing

    return sharing.push(arguments.remote, arguments.targets)
