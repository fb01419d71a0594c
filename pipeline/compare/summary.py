"""A summary of the runs' results for the console."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.compare import warnings
from pipeline.compare.tables import render
from pipeline.core import paths
from pipeline.core.params import Params
from pipeline.evaluate import baseline
from pipeline.evaluate.evaluation import Evaluation, Interval
from pipeline.execution.machine import Machine

HEADER = (
    "run",
    "dataset",
    "validation",
    "95% interval",
    "training",
    "|",
    "test",
    "95% interval",
    "chance, majority",
    "report",
)
NONE = "–"
"""A cell of a run without a validation subset."""
LEGEND = (
    "Choose by validation, where * is a dataset's best of several; the test is for what you chose.",
    "Chance is an answer at random; majority is always answering the most frequent class.",
)


def table(params: Params) -> str:
    """Return a table of every run that has been evaluated, and the names of the others.

    Lines under it warn of runs that are no better than a guess, with what to try.
    """
    measured: dict[str, Evaluation] = {}
    missing = []
    for run in params.value("runs"):
        path = paths.metrics(run) / "evaluation.json"
        if path.exists():
            measured[run] = Evaluation.read(path)
        else:
            missing.append(run)
    datasets = {run: params.value("runs", run, "dataset") for run in measured}
    best = set(chosen(measured, datasets))
    rows = [_row(run, one, datasets[run], run in best) for run, one in measured.items()]
    lines = [render(rows, HEADER, "text"), "", *LEGEND] if measured else []
    for run, evaluation in measured.items():
        lines += [f"{run}: {line}" for line in _warnings(run, evaluation, datasets[run])]
    lines += _machines(measured)
    if missing:
        remedy = "" if measured else f"; run one: dvc repro report@{missing[0]}"
        lines.append(f"not evaluated yet: {', '.join(missing)}{remedy}")
    return "\n".join(lines)


def chosen(measured: Mapping[str, Evaluation], datasets: Mapping[str, str]) -> Iterator[str]:
    """Yield the run of each dataset that is the best of several on the validation subset.

    Of equal accuracies the lower loss is better.
    """
    for dataset in sorted(set(datasets.values())):
        validated = {
            run: (-one.validation.accuracy, one.validation.loss)
            for run, one in measured.items()
            if datasets[run] == dataset and one.validation
        }
        if len(validated) > 1:
            yield min(validated, key=lambda run: validated[run])


def _machines(runs: Iterable[str]) -> Iterator[str]:
    """Yield on which types of machines the runs were trained, where that was recorded."""
    types = {run: one.describe() for run in runs if (one := Machine.of(run))}
    for kind in dict.fromkeys(types.values()):
        of_kind = [run for run in types if types[run] == kind]
        named = "all" if len(of_kind) == len(types) > 1 else ", ".join(of_kind)
        yield f"trained on {kind}: {named}"


def _row(run: str, evaluation: Evaluation, dataset: str, is_best: bool) -> tuple[Any, ...]:
    """Return the cells of a run."""
    validation, guess = evaluation.validation, baseline.baseline(evaluation)
    report = paths.metrics(run) / "report.html"
    mark = "*" if is_best else ""
    return (
        run,
        dataset,
        f"{validation.accuracy:.4f}{mark}" if validation else NONE,
        _interval(validation.accuracy_interval) if validation else NONE,
        evaluation.train_accuracy,
        "|",
        evaluation.accuracy,
        _interval(evaluation.accuracy_interval),
        f"{guess.chance:.4f}, {guess.majority:.4f}",
        report if report.exists() else f"dvc repro report@{run}",
    )


def _interval(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _warnings(run: str, evaluation: Evaluation, dataset: str) -> list[str]:
    curves = paths.metrics(run) / "history.csv"
    return warnings.read(evaluation, curves, paths.data_card(dataset))
