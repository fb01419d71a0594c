"""Add the datasets and runs of a file to params.yaml.

The examples are no part of the graph, so that dvc repro needs none of what they need:

    python -m pipeline add examples/cifar10.yaml
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def arguments(parser: ArgumentParser) -> None:
    """Add the file."""
    parser.add_argument("file", metavar="FILE", type=Path, help="YAML with datasets, runs or both")


def run(arguments: Namespace) -> str:
    """Return what was added, and the next step."""
    from pipeline.core import process_lock
    from pipeline.project import addition

    with process_lock.project():
        added = addition.add(arguments.file)
    names = [f"{key}.{name}" for key in addition.SECTIONS for name in getattr(added, key)]
    targets = [f"report@{name}" for name in added.runs] or [f"split@{n}" for n in added.datasets]
    return f"Added to params.yaml: {', '.join(names)}\nRun it: dvc repro {' '.join(targets[:1])}"
