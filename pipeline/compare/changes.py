"""Changes: curves and confusion matrices of each run, before and after, as Markdown."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.compare.tables import render
from pipeline.core import paths

Find = Callable[[Path], Path | None]
"""A function that finds one side's version of a file; it returns None if there is none."""
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
    curves = [_rows(find(folder / "history.csv")) for find in (before, after)]
    if curves[0] != curves[1]:
        yield f"#### Curves of {run}, before → after"
        yield _curves(*curves)
    evaluations = [find(folder / "evaluation.json") for find in (before, after)]
    contents = [path.read_bytes() if path else None for path in evaluations]
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
    pairs = [_rows(file) for file in files]
    if Counter(map(_pair, pairs[0])) != Counter(map(_pair, pairs[1])):
        yield f"#### Confusion matrix of {run}, before → after (rows are the actual classes)"
        yield _matrix(*pairs)


def _curves(before: list[dict[str, str]], after: list[dict[str, str]]) -> str:
    """Return a row for each epoch; a value that a side lacks is a dash."""
    shown = [name for name in CURVES if any(row.get(name) for row in (*before, *after))]
    rows = []
    for number in range(max(len(before), len(after))):
        sides = [side[number] if number < len(side) else {} for side in (before, after)]
        cells = [" → ".join(_number(side.get(name)) for side in sides) for name in shown]
        rows.append([str(number + 1), *cells])
    return render(rows, ["epoch", *(name.replace("_", " ") for name in shown)], "markdown")


def _matrix(before: list[dict[str, str]], after: list[dict[str, str]]) -> str:
    """Return numbers of images by actual and predicted class; equal ones are written once."""
    counts = [Counter(map(_pair, side)) for side in (before, after)]
    classes = sorted({name for side in counts for pair in side for name in pair})
    rows = []
    for actual in classes:
        cells = [[str(side[actual, predicted]) for side in counts] for predicted in classes]
        rows.append([actual, *(" → ".join(dict.fromkeys(cell)) for cell in cells)])
    return render(rows, ["", *classes], "markdown")


def _pair(row: dict[str, str]) -> tuple[str, str]:
    return row["actual"], row["predicted"]


def _number(text: str | None) -> str:
    return f"{float(text):.4f}" if text else "–"


def _rows(path: Path | None) -> list[dict[str, str]]:
    """Return the rows of a CSV file; none if it is missing."""
    if path is None:
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
