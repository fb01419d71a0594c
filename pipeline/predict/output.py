"""Output of predictions: a table, CSV, JSON or JSON lines, and notes on the images."""

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.core import console, paths
from pipeline.core.errors import first_few
from pipeline.evaluate import baseline
from pipeline.evaluate.evaluation import Evaluation
from pipeline.models.saved import is_run
from pipeline.predict import adapt, drift
from pipeline.predict.classify import Outcome

FORMATS = "table", "csv", "json", "jsonl"
INVERT = "--invert turns dark on light into light on dark"
HINTS = {
    adapt.RESIZED.format("stretch"): "--resize crop or pad keeps the aspect ratio",
    drift.BRIGHTER: INVERT,
    drift.NEGATIVE: INVERT,
}
ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


class Writer:
    """A writer of outcomes in one of ``FORMATS``: the ``top`` most probable classes of each.

    Its output is the heading, the rows of each batch, and the end, each of which may be empty.
    """

    def __init__(self, form: str, classes: Sequence[str], top: int) -> None:
        self.form = form
        self.classes = classes
        self.top = min(top, len(classes))
        self.width = max(map(len, classes))
        self.has_rows = False

    def header(self) -> str:
        """Return the heading; empty for JSON and JSON lines."""
        numbers = range(1, self.top + 1)
        if self.form == "table":
            cells = [ORDINALS.get(n, f"{n}th").ljust(self.width + 8) for n in numbers]
            return "  ".join([*cells, "image"])
        if self.form == "csv":
            pairs = [name for n in numbers for name in (f"class_{n}", f"probability_{n}")]
            return _csv([["image", *pairs, "notes"]])
        return ""

    def rows(self, outcomes: Sequence[Outcome]) -> str:
        """Return the outcomes that have probabilities, one a line, without the last line's end.

        In JSON each line begins with the bracket or the comma that stands before an object.
        """
        classified = [outcome for outcome in outcomes if outcome.probabilities is not None]
        if not classified:
            return ""
        if self.form == "csv":
            return _csv([self._csv_row(outcome) for outcome in classified])
        line = self._table_row if self.form == "table" else self._json_row
        lines = [line(outcome) for outcome in classified]
        if self.form == "json":
            lines = [("," if n or self.has_rows else "[") + text for n, text in enumerate(lines)]
        self.has_rows = True
        return "\n".join(lines)

    def end(self) -> str:
        """Return the end behind all rows: that of JSON's list."""
        if self.form != "json":
            return ""
        return "]" if self.has_rows else "[]"

    def _best(self, outcome: Outcome) -> list[tuple[int, str, np.float32]]:
        assert outcome.probabilities is not None
        order = np.argsort(-outcome.probabilities, kind="stable")[: self.top]
        return [(int(k), self.classes[k], outcome.probabilities[k]) for k in order]

    def _table_row(self, outcome: Outcome) -> str:
        cells = [f"{name:{self.width}}  {p:.4f}" for _, name, p in self._best(outcome)]
        return "  ".join([*cells, printable(outcome.name)])

    def _csv_row(self, outcome: Outcome) -> list[str]:
        pairs = [
            value for _, name, p in self._best(outcome) for value in (console.cell(name), str(p))
        ]
        return [console.cell(outcome.name), *pairs, "; ".join(outcome.changes)]

    def _json_row(self, outcome: Outcome) -> str:
        value: dict[str, Any] = {
            "image": outcome.name,
            "width": outcome.width,
            "height": outcome.height,
            "predictions": [
                {"class": name, "label": k, "probability": float(str(p))}
                for k, name, p in self._best(outcome)
            ],
            "notes": outcome.changes,
        }
        return json.dumps(value, ensure_ascii=False)


class Notes:
    """Counts of images that were changed or are unlike the training images, by the change."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self.images = 0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome's notes."""
        self.images += bool(outcome.changes)
        for change in outcome.changes:
            self.counts[change] += 1
            examples = self.examples.setdefault(change, [])
            if len(examples) < 2:
                size = f" ({outcome.width}x{outcome.height})" if outcome.width else ""
                examples.append(printable(outcome.name) + size)

    def lines(self, what: str) -> list[str]:
        """Return a summary for standard error; empty if no image has a note."""
        if not self.counts:
            return []
        head = f"{self.images:,} unlike the training images of {what}, so trust them less:"
        return [head, *(self._line(change, n) for change, n in self.counts.most_common())]

    def _line(self, change: str, n: int) -> str:
        examples = self.examples[change]
        shown = first_few([*examples, *[""] * (n - len(examples))], len(examples))
        hint = HINTS.get(change, "")
        return f"  {n:,} {change}: {shown}{hint and f'; {hint}'}"


def trust(source: str) -> list[str]:
    """Return how often a run is right, beside guesses; empty without its evaluation."""
    if not is_run(source):
        return []
    path = paths.metrics(source) / "evaluation.json"
    if not path.exists():
        return []
    measured = Evaluation.read(path)
    guess = baseline.baseline(measured)
    if fault := baseline.fault(measured):  # which has the majority's
        return [f"{source}: {fault}; chance would give {guess.chance:.2%}"]
    return [f"{source}: test accuracy {measured.accuracy:.2%}; {guess.describe()}"]


def printable(text: str) -> str:
    """Return text with � in place of characters that would control a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().removesuffix("\n")
