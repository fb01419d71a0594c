"""A summary of the runs' results for the console."""

from pipeline.core import files, paths
from pipeline.core.params import Params

HEADER = ("run", "dataset", "n", "accuracy", "95% interval", "training", "loss", "report")


def table(params: Params) -> str:
    """A table of every run that has been evaluated, and the names of those that have not."""
    rows = [HEADER]
    missing = []
    for run in params.value("runs"):
        path = paths.metrics(run) / "evaluation.json"
        if not path.exists():
            missing.append(run)
            continue
        found = files.read_json(path)
        interval = found["accuracy_interval"]
        report = paths.metrics(run) / "report.html"
        rows.append(
            (
                run,
                params.value("runs", run, "dataset"),
                f"{found['n']:,}",
                f"{found['accuracy']:.4f}",
                f"{interval['low']:.4f} to {interval['high']:.4f}",
                f"{found['train_accuracy']:.4f}",
                f"{found['loss']:.4f}",
                str(report) if report.exists() else f"dvc repro report@{run}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if missing:
        lines.append(f"not evaluated yet: {', '.join(missing)}")
    return "\n".join(lines)
