"""Give a run another name: parameters, records, metrics, models and data.

What was trained stays as it is. The report, which names the run, is made again:

    python -m pipeline rename-run pets dogs
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the names."""
    parser.add_argument("old", metavar="OLD", help="of a run in params.yaml")
    parser.add_argument("new", metavar="NEW", help="its new name")


def run(arguments: Namespace) -> str:
    """Return what is to be done next."""
    from pipeline.project.entries import rename

    stages = rename.of("run", arguments.old, arguments.new).apply()
    return f"Renamed. Now: dvc repro {' '.join(stages)}, then git add . && git commit"
