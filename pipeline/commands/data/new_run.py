"""Add a run to params.yaml, with the parameters of another one to begin with.

Change its lines, and run it:

    python -m pipeline new-run pets_large --like pets
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the name of the new run, and of the one that it is like."""
    parser.add_argument("name", metavar="NAME", help="of the new run")
    parser.add_argument("--like", required=True, metavar="RUN", help="a run in params.yaml")


def run(arguments: Namespace) -> str:
    """Return the lines that were added, and the next step."""
    from pipeline.core import process_lock
    from pipeline.project import new_run

    with process_lock.project():
        added = new_run.add(arguments.name, arguments.like)
    return (
        f"Added to params.yaml:\n\n{added}\n\nChange it, and run it: dvc repro "
        f"report@{arguments.name}"
    )
