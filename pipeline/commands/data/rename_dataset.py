"""Give a dataset another name: parameters, records, metrics and data.

What was downloaded, decoded and trained stays as it is. The split and the runs' reports, which name
the dataset, are run again:

    python -m pipeline rename-dataset pets dogs
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the names."""
    parser.add_argument("old", metavar="OLD", help="of a dataset in params.yaml")
    parser.add_argument("new", metavar="NEW", help="its new name")


def run(arguments: Namespace) -> str:
    """Return what is to be done next."""
    from pipeline.project.entries import rename

    stages = rename.of("dataset", arguments.old, arguments.new).apply()
    return f"Renamed. Now: dvc repro {' '.join(stages)}, then git add . && git commit"
