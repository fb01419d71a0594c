"""Compare two runs by validation, and by predictions of the same test images.

McNemar's test and a bootstrap interval say whether the difference is more than luck. A run at
another Git revision is RUN@REV:

    python -m pipeline compare fashion_mnist fashion_mnist_best
    python -m pipeline compare demo_idx@main demo_idx --format markdown
    python -m pipeline compare ablation/baseline_0 ablation/dropout_0
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.core.params import Params
    from pipeline.evaluate.evaluation import Evaluation
    from pipeline.evaluate.predictions import Predictions
    from pipeline.execution.machine import Machine
    from pipeline.repository.revisions import Here, Revision


def arguments(parser: ArgumentParser) -> None:
    """Add the two runs and the format."""
    parser.add_argument("first", metavar="RUN_A")
    parser.add_argument("second", metavar="RUN_B")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")


def run(arguments: Namespace) -> str:
    """Return the comparison in the chosen format."""
    import tempfile

    from pipeline.compare.runs import compare, describe
    from pipeline.core import paths
    from pipeline.core.params import Params

    names = arguments.first, arguments.second
    for name in names:
        _refuse_unknown(name)
    with tempfile.TemporaryDirectory() as folder:
        first, second = (_predictions(name, Path(folder) / str(n)) for n, name in enumerate(names))
        first_run = arguments.first.partition("@")[0]
        own = Params.read(paths.params(first_run))
        classes = _classes(Params.read(), own, first_run)
        measured = [_measured(name, Path(folder) / str(n)) for n, name in enumerate(names)]
        evaluations, warnings = zip(*measured, strict=True)
        for name, predictions, evaluation in zip(names, (first, second), evaluations, strict=True):
            _refuse_other_version(name, predictions, evaluation)
        compared = compare(first, second, classes)
        machines = [_machine(name, Path(folder) / str(n)) for n, name in enumerate(names)]
        return describe(compared, names, arguments.format, evaluations, warnings, machines)


def _refuse_unknown(name: str) -> None:
    """Raise ParameterError for an unknown run; one at another revision may be known there alone."""
    from pipeline import runs
    from pipeline.core import paths
    from pipeline.core.params import Params

    run, _, revision = name.partition("@")
    if not revision:
        runs.dataset(Params.read(paths.params(run)), run)


def _evaluation(run: str) -> str:
    """Return the command that evaluates a run, of the main graph or of a folder's."""
    folder, _, name = run.rpartition("/")
    return f"dvc --cd {folder} repro evaluate@{name}" if folder else f"dvc repro evaluate@{run}"


def _predictions(name: str, folder: Path) -> "Predictions":
    """Return a run's predictions, here or at another revision; raises DataError."""
    from pipeline.core import paths
    from pipeline.core.errors import DataError
    from pipeline.evaluate.predictions import Predictions
    from pipeline.repository import revisions

    run, _, revision = name.partition("@")
    path = paths.predictions(run)
    if not revision:
        if not path.exists():
            raise DataError(f"{path} is missing; get it with dvc pull, or run: {_evaluation(run)}")
        return Predictions.read(path)
    file = revisions.Revision(revision, folder).find(path)
    if file is None:
        raise DataError(
            f"{path} at {revision} is neither in DVC's cache nor in a remote; get it with: "
            f"dvc fetch --all-commits, or reproduce it there"
        )
    return Predictions.read(file)


def _measured(name: str, folder: Path) -> "tuple[Evaluation | None, list[str]]":
    """Return a run's evaluation, here or at another revision, and what it is warned of.

    None if it is not there.
    """
    from pipeline.compare import warnings
    from pipeline.core import paths
    from pipeline.evaluate.evaluation import Evaluation

    run, side = _side(name, folder)
    metrics = paths.metrics(run)
    found = side.find(metrics / "evaluation.json")
    if found is None:
        return None, []
    evaluation = Evaluation.read(found)
    return evaluation, warnings.read(evaluation, side.find(metrics / "history.csv"), None)


def _refuse_other_version(
    name: str, predictions: "Predictions", evaluation: "Evaluation | None"
) -> None:
    """Raise DataError for predictions that a run's evaluation, which Git has, is not of."""
    import math

    from pipeline.core import paths
    from pipeline.core.errors import DataError

    right = float(predictions.correct.mean())
    if evaluation is None or math.isclose(right, evaluation.accuracy, rel_tol=1e-6):
        return
    run = name.partition("@")[0]
    raise DataError(
        f"{paths.predictions(run)} is of another version than {paths.metrics(run)}: "
        f"{right:.4f} of its images are right, recorded are {evaluation.accuracy:.4f}; "
        f"get it with python -m pipeline pull, or run: {_evaluation(run)}"
    )


def _machine(name: str, folder: Path) -> "Machine | None":
    """Return the type of machine that a run was trained on; None if that was not recorded."""
    from pipeline.execution import machine

    run, side = _side(name, folder)
    found = side.find(machine.path(run))
    return machine.Machine.read(found) if found else None


def _side(name: str, folder: Path) -> "tuple[str, Revision | Here]":
    """Return the run that ``name`` means, and where its files are found."""
    from pipeline.repository.revisions import Here, Revision

    run, _, revision = name.partition("@")
    return run, Revision(revision, folder) if revision else Here()


def _classes(params: "Params", own: "Params", run: str) -> list[str]:
    """Return the classes of a run; ``own`` are the parameters of its graph."""
    from pipeline import runs

    name = runs.dataset(own, run)
    where = own if own.value("datasets", name) else params  # a study's own, or the main graph's
    names: list[str] = where.value("datasets", name, "decode", "classes")
    return names
