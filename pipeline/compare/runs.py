"""Comparisons of two models on the same test images, with statistics."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from pipeline.compare.tables import Format, render
from pipeline.core.errors import DataError
from pipeline.evaluate import baseline
from pipeline.evaluate.evaluation import Evaluation, Validation
from pipeline.evaluate.predictions import Predictions
from pipeline.execution.machine import Machine

RESAMPLES = 10_000
CONFIDENCE_LEVEL = 0.95
SHOWN = 10
"""Number of images that a text names of each kind; JSON names all."""


@dataclass(frozen=True)
class Recall:
    """How much of a class each of two models recognizes."""

    n: int
    """Test images of the class."""
    recall: tuple[float, float]
    """In [0, 1]; 0 where there is no image."""


@dataclass(frozen=True)
class Comparison:
    """Two sets of predictions for the same test images."""

    n: int
    """Test images."""
    accuracy: tuple[float, float]
    difference: float
    """The second accuracy less the first."""
    interval: tuple[float, float]
    """95% interval of the difference, from a bootstrap over images."""
    p_value: float
    """P-value of McNemar's exact test that both are wrong equally often."""
    only_first: list[str]
    """Ids of the images that the first alone gets right."""
    only_second: list[str]
    classes: dict[str, Recall]


def compare(first: Predictions, second: Predictions, classes: Sequence[str]) -> Comparison:
    """Compare two sets of predictions for the same images, paired by id.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes whose recall is wanted, in the order of their labels.

    Raises
    ------
    DataError
        If they are of different images, or of other labels.
    """
    order = same_images(first, second)
    right = np.stack(
        [first.predicted == first.labels, second.predicted[order] == first.labels]
    )  # (2, n)
    only_first = np.flatnonzero(right[0] & ~right[1])
    only_second = np.flatnonzero(right[1] & ~right[0])
    differences = right[1].astype(np.int8) - right[0]
    return Comparison(
        n=len(differences),
        accuracy=(float(right[0].mean()), float(right[1].mean())),
        difference=float(differences.mean()),
        interval=_interval(differences),
        p_value=mcnemar(len(only_first), len(only_second)),
        only_first=[first.ids[row] for row in only_first],
        only_second=[first.ids[row] for row in only_second],
        classes={
            name: _recall(right[:, first.labels == label]) for label, name in enumerate(classes)
        },
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the p-value of McNemar's test, exact and two-sided.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", 1947.

    Parameters
    ----------
    only_first, only_second : int
        Images that this one of two models gets right and the other wrong.

    Examples
    --------
    >>> mcnemar(0, 0), mcnemar(1, 7)
    (1.0, 0.0703125)
    """
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0


def describe(
    comparison: Comparison,
    names: tuple[str, str],
    form: Format,
    evaluations: Sequence[Evaluation | None] = (None, None),
    warnings: Sequence[Sequence[str]] = ((), ()),
    machines: Sequence[Machine | None] = (None, None),
) -> str:
    """Return a comparison as text, Markdown or JSON.

    Parameters
    ----------
    evaluations : sequence, optional
        The two runs', for what was measured of their validation subset, and for what a guess would
        give; None where it is not there.
    warnings : sequence, optional
        Of each run, lines that say that it is no better than a guess, and what to try.
    machines : sequence, optional
        The types of machines on which the two were trained; None where that was not recorded.
    """
    types = [one.describe() if one else None for one in machines]
    validated = [one.validation if one else None for one in evaluations]
    if form == "json":
        told: dict[str, Any] = {
            "validation_accuracy": [one.accuracy if one else None for one in validated],
            "machines": types,
        }
        return render([], (), form, asdict(comparison) | told | {"runs": list(names)})
    first, second = names
    low, high = comparison.interval
    differ = comparison.p_value < 1 - CONFIDENCE_LEVEL
    rows = [
        (name, one.n, *one.recall, one.recall[1] - one.recall[0])
        for name, one in comparison.classes.items()
        if one.n
    ]
    lines = [
        *_choice(validated, names),
        f"{first}: accuracy {comparison.accuracy[0]:.4f}",
        f"{second}: accuracy {comparison.accuracy[1]:.4f}, {comparison.difference:+.4f} "
        f"(95% interval {low:+.4f} to {high:+.4f}) on {comparison.n:,} test images",
        f"McNemar's exact test: p = {comparison.p_value:.3g}; the two "
        f"{'differ' if differ else 'may be equally good'}",
        *_guesses(evaluations, names, warnings),
        *_trained(machines, names),
        "",
        render(rows, ("class", "images", first, second, "change"), form),
        "",
        _named(first, comparison.only_first),
        _named(second, comparison.only_second),
    ]
    return "\n".join(lines)


def _choice(validated: Sequence[Validation | None], names: Sequence[str]) -> Iterator[str]:
    """Yield what the validation subset says, by which one chooses; nothing where a run has none."""
    if any(one is None for one in validated):
        return
    for name, one in zip(names, validated, strict=True):
        if one is not None:
            low, high = one.accuracy_interval.low, one.accuracy_interval.high
            yield (
                f"{name}: validation accuracy {one.accuracy:.4f} ({low:.4f} to {high:.4f}) on "
                f"{one.n:,} images, loss {one.loss:.4f}"
            )
    yield "Choose by these; what follows is of the test subset, for what you chose."
    yield ""


def _guesses(
    evaluations: Sequence[Evaluation | None],
    names: Sequence[str],
    warnings: Sequence[Sequence[str]],
) -> Iterator[str]:
    """Yield what a guess would give, and the warnings of each run."""
    known = [one for one in evaluations if one]
    if known:
        said = baseline.baseline(known[0]).describe()
        yield f"{said[0].upper()}{said[1:]}"
    for name, lines in zip(names, warnings, strict=True):
        yield from (f"{name}: {line}" for line in lines)


def _trained(machines: Sequence[Machine | None], names: Sequence[str]) -> Iterator[str]:
    """Yield on which types of machines the two were trained, where both are known."""
    first, second = machines
    if first is None or second is None:
        return
    if not first.is_other(second):
        yield f"Both were trained on {first.describe()}"
        return
    for name, one in zip(names, (first, second), strict=True):
        yield f"{name} was trained on {one.describe()}"
    yield "These are other types of machines: the same training gives other weights on each"


def _named(run: str, ids: list[str]) -> str:
    """Return how many images a run alone gets right, and the first of them."""
    shown = ", ".join(ids[:SHOWN]) + (" …" if len(ids) > SHOWN else "")
    return f"right by {run} alone: {len(ids):,}" + (f" ({shown})" if ids else "")


def same_images(first: Predictions, second: Predictions) -> np.ndarray[Any, Any]:
    """Return the rows of ``second`` in the order of ``first``; shape (n,)."""
    rows = {name: row for row, name in enumerate(second.ids)}
    missing = [name for name in first.ids if name not in rows]
    if missing or len(first.ids) != len(second.ids):
        raise DataError(
            f"the two are of different test images: {len(first.ids):,} and {len(second.ids):,}, "
            f"of which {len(first.ids) - len(missing):,} are common; compare runs of one dataset "
            "and split"
        )
    order = np.array([rows[name] for name in first.ids], np.int64)
    if (first.labels != second.labels[order]).any():
        raise DataError("the two have other labels for the same test images")
    return order


def _interval(differences: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return the bootstrap interval of the mean of ``differences``."""
    if not differences.any():  # then no sample has a difference either
        return 0.0, 0.0
    interval = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=100,
        confidence_level=CONFIDENCE_LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _recall(right: np.ndarray[Any, Any]) -> Recall:
    """Return the recall of a class, by which of its images each model gets right; shape (2, n)."""
    n = right.shape[1]
    first, second = (float(one.mean()) if n else 0.0 for one in right)
    return Recall(n, (first, second))
