"""A summary of the runs' results for the console."""

from pipeline.compare.tables import render
from pipeline.core import paths
from pipeline.core.params import Params
from pipeline.evaluate.evaluation import Evaluation

HEADER = ("run", "dataset", "n", "accuracy", "95% interval", "training", "loss", "report")


def table(params: Params) -> str:
    """Return a table of every run that has been evaluated, and the names of the others."""
    rows = []
    missing = []
    for run in params.value("runs"):
        path = paths.metrics(run) / "evaluation.json"
        if not path.exists():
            missing.append(run)
            continue
        evaluation = Evaluation.read(path)
        interval = evaluation.accuracy_interval
        report = paths.metrics(run) / "report.html"
        rows.append(
            (
                run,
                params.value("runs", run, "dataset"),
                evaluation.n,
                evaluation.accuracy,
                f"{interval.low:.4f} to {interval.high:.4f}",
                evaluation.train_accuracy,
                evaluation.loss,
                report if report.exists() else f"dvc repro report@{run}",
            )
        )
    lines = [render(rows, HEADER, "text")]
    if missing:
        lines.append(f"not evaluated yet: {', '.join(missing)}")
    return "\n".join(lines)
