"""Train a run together with the other machines of TF_CONFIG.

Run it on every machine but the chief, which runs dvc repro; docs/scale.md has recipes:

    python -m pipeline worker fashion_mnist
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the run's name."""
    parser.add_argument("name", metavar="RUN", help="a run in params.yaml")


def run(arguments: Namespace) -> str:
    """Train with the other machines; the chief alone keeps the result."""
    import tempfile
    from pathlib import Path

    from pipeline.train import fit, multi_worker

    multi_worker.expect(chief=False, run=arguments.name)
    with tempfile.TemporaryDirectory() as folder:
        done = fit.train_run(
            arguments.name,
            logs=Path(folder) / "logs",
            checkpoint=Path(folder) / "checkpoint.npz",
        )
    return f"{arguments.name}: trained, {len(done.history)} epochs; the chief has the result"
