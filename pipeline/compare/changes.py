"""Changes: curves and confusion matrices of each run, before and after, as Markdown."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.compare.tables import render
from pipeline.core import paths
from pipeline.core.files import read_bytes
from pipeline.evaluate import confusion
from pipeline.models import history

Find = Callable[[Path], Path | None]
"""A function that finds one side's version of a file; it returns None if there is none."""
MOST_CLASSES = 200
"""Of a confusion matrix that is shown."""
CURVES = "train_loss", "validation_loss", "train_accuracy", "validation_accuracy"


def describe(runs: list[str], before: Find, after: Find) -> str:
    """Return what changed in the curves and confusion matrices of runs, one after the other.

    Parameters
    ----------
    runs : list of str
        Those of one of the two sides.
    before, after : callable
        Find the two sides' versions of a file.
    """
    return "\n\n".join(part for run in runs for part in _run(run, before, after)) or (
        "No curve and no confusion matrix changed."
    )


def _run(run: str, before: Find, after: Find) -> Iterator[str]:
    """Yield headings and tables of a run."""
    folder = paths.metrics(run)
    histories = [find(folder / "history.csv") for find in (before, after)]
    curves = [_curve(path) for path in histories]
    if curves[0] != curves[1]:
        yield f"#### Curves of {run}, before → after"
        yield _curves(*curves)
    evaluations = [find(folder / "evaluation.json") for find in (before, after)]
    contents = [read_bytes(path) if path else None for path in evaluations]
    path = folder / "confusion.csv"
    files = [find(path) for find in (before, after)]
    missing = [
        side
        for side, evaluation, file in zip(("before", "after"), evaluations, files, strict=True)
        if evaluation and not file
    ]
    if missing and contents[0] != contents[1]:  # else no matrix can have changed
        yield (
            f"The confusion matrices of {run} are not compared: {path} is missing "
            f"({' and '.join(missing)}); dvc pull it"
        )
    if missing:
        return
    pairs = [confusion.read(file) if file else None for file in files]
    if pairs[0] != pairs[1]:
        yield f"#### Confusion matrix of {run}, before → after (rows are the actual classes)"
        yield _matrix(*pairs)


def _curve(path: Path | None) -> dict[str, list[float]]:
    """Return the columns of a history; none if it is missing."""
    columns = history.read(path) if path else {}
    return {name: values.tolist() for name, values in columns.items()}


def _curves(*sides: dict[str, list[float]]) -> str:
    """Return a row for each epoch; a value that a side lacks is a dash."""
    shown = [name for name in CURVES if any(name in side for side in sides)]
    rows = []
    for number in range(max(len(side.get("epoch", ())) for side in sides)):
        cells = [
            " → ".join(_number(side.get(name, ()), number) for side in sides) for name in shown
        ]
        rows.append([str(number + 1), *cells])
    return render(rows, ["epoch", *(name.replace("_", " ") for name in shown)], "markdown")


def _matrix(*sides: Counter[confusion.Pair] | None) -> str:
    """Return numbers of images by actual and predicted class; equal ones are written once.

    A side that lacks the run has dashes.
    """
    classes = sorted({name for side in sides for pair in side or () for name in pair})
    if len(classes) > MOST_CLASSES:
        return f"It has {len(classes):,} classes, too many for a table."
    rows = []
    for actual in classes:
        cells = [
            ["–" if side is None else str(side[actual, predicted]) for side in sides]
            for predicted in classes
        ]
        rows.append([actual, *(" → ".join(dict.fromkeys(cell)) for cell in cells)])
    return render(rows, ["", *classes], "markdown")


def _number(values: Sequence[float], number: int) -> str:
    return f"{values[number]:.4f}" if number < len(values) else "–"
