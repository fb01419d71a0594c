"""Train RUN with the other machines of TF_CONFIG, whose chief runs dvc repro.

On every machine but the chief, with TF_CONFIG in the environment; docs/scale.md has recipes:

    python -m pipeline worker fashion_mnist
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the run's name."""
    parser.add_argument("name", metavar="RUN", help="a run in params.yaml")


def run(arguments: Namespace) -> str:
    """What was done."""
    from pipeline.train import worker

    return worker.work(arguments.name)
