"""Comparison: two models on the same test images, with statistics."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from pipeline.compare.tables import Format, render
from pipeline.core.errors import DataError
from pipeline.evaluate.predictions import Predictions

RESAMPLES = 10_000
CONFIDENCE_LEVEL = 0.95
SHOWN = 10
"""Images that a text names of each kind; JSON names all."""


def compare(first: Predictions, second: Predictions, classes: Sequence[str]) -> dict[str, Any]:
    """Compare two sets of predictions for the same images, paired by id.

    Returns
    -------
    dict
        ``n``; ``accuracy`` of the two; ``difference`` (second less first) and its 95%
        ``interval`` from a bootstrap over images; ``p_value`` of McNemar's exact test that the two
        are wrong equally often; ``only_first`` and ``only_second``, the ids of images that one gets
        right and the other wrong; ``classes`` with the recall of each.

    Raises
    ------
    DataError
        If they are of different images, or of other labels.
    """
    order = _same_images(first, second)
    right = np.stack(
        [
            first.predicted == first.labels,
            second.predicted[order] == first.labels,
        ]
    )
    only_first = np.flatnonzero(right[0] & ~right[1])
    only_second = np.flatnonzero(right[1] & ~right[0])
    differences = right[1].astype(np.int8) - right[0]
    return {
        "n": len(differences),
        "accuracy": [float(one.mean()) for one in right],
        "difference": float(differences.mean()),
        "interval": _interval(differences),
        "p_value": mcnemar(len(only_first), len(only_second)),
        "only_first": [first.ids[row] for row in only_first],
        "only_second": [first.ids[row] for row in only_second],
        "classes": {
            name: _recall(right[:, first.labels == label]) for label, name in enumerate(classes)
        },
    }


def mcnemar(only_first: int, only_second: int) -> float:
    """P-value of McNemar's test, exact and two-sided.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", 1947.

    Parameters
    ----------
    only_first, only_second : int
        Images that one of two models gets right and the other wrong.

    Examples
    --------
    >>> mcnemar(0, 0), mcnemar(1, 7)
    (1.0, 0.0703125)
    """
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0


def describe(found: dict[str, Any], names: tuple[str, str], form: Format) -> str:
    """A comparison as text, Markdown or JSON."""
    if form == "json":
        return render([], (), form, found | {"runs": list(names)})
    first, second = names
    low, high = found["interval"]
    verdict = "differ" if found["p_value"] < 1 - CONFIDENCE_LEVEL else "may be equally good"
    rows = [
        (name, recalls["n"], *recalls["recall"], recalls["recall"][1] - recalls["recall"][0])
        for name, recalls in found["classes"].items()
        if recalls["n"]
    ]
    lines = [
        f"{first}: accuracy {found['accuracy'][0]:.4f}",
        f"{second}: accuracy {found['accuracy'][1]:.4f}, {found['difference']:+.4f} "
        f"(95% interval {low:+.4f} to {high:+.4f}) on {found['n']:,} test images",
        f"McNemar's exact test: p = {found['p_value']:.3g}; the two {verdict}",
        "",
        render(rows, ("class", "images", first, second, "change"), form),
        "",
        *(_named(name, ids) for name, ids in zip(names, _only(found), strict=True)),
    ]
    return "\n".join(lines)


def _only(found: dict[str, Any]) -> tuple[list[str], list[str]]:
    return found["only_first"], found["only_second"]


def _named(run: str, ids: list[str]) -> str:
    shown = ", ".join(ids[:SHOWN]) + (" …" if len(ids) > SHOWN else "")
    return f"right by {run} alone: {len(ids):,}" + (f" ({shown})" if ids else "")


def _same_images(first: Predictions, second: Predictions) -> np.ndarray[Any, Any]:
    """The rows of ``second`` in the order of ``first``."""
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


def _interval(differences: np.ndarray[Any, Any]) -> list[float]:
    if not differences.any():  # no image tells them apart, and none that is drawn will
        return [0.0, 0.0]
    found = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=100,
        confidence_level=CONFIDENCE_LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return [float(found.low), float(found.high)]


def _recall(right: np.ndarray[Any, Any]) -> dict[str, Any]:
    n = right.shape[1]
    return {"n": n, "recall": [float(one.mean()) if n else 0.0 for one in right]}
