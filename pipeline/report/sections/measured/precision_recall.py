"""Precision and recall of each class at all thresholds of its probability."""

from typing import Any, NamedTuple

import altair as alt
import numpy as np
from numpy.typing import NDArray

from pipeline.report import charts, html
from pipeline.report.charts import Chart, Spec
from pipeline.report.results import Results
from pipeline.report.sections.section import Section

POINTS = 60
"""Points of a curve that are drawn at most; its area is that of all."""


class Curve(NamedTuple):
    """Precision by recall of a class against all others, the highest threshold first."""

    precision: NDArray[np.float64]
    """Share of the class among the images of at least a probability; shape (thresholds,)."""
    recall: NDArray[np.float64]
    """Share of the class's images that are among those; ascending, likewise."""
    threshold: NDArray[np.float32]
    """The probability, likewise."""

    @property
    def area(self) -> float:
        """Return the average precision: the mean over the recall, without interpolation."""
        return float(np.sum(np.diff(self.recall, prepend=0) * self.precision))


def precision_recall(results: Results) -> Section | None:
    """Return the curves of the classes that the test subset has; None if it has but one."""
    predictions, names = results.gallery.predictions, results.classes
    curves = {
        label: curve(predictions.labels == label, predictions.probabilities[:, label])
        for label in np.unique(predictions.labels).tolist()
    }
    drawn = {label: curves[label] for label in results.shown if label in curves}
    if len(curves) < 2 or not drawn:
        return None
    worst = min(drawn, key=lambda label: drawn[label].area)
    return Section(
        {
            "areas": [(names[label], one.area) for label, one in curves.items()],
            "mean": float(np.mean([one.area for one in curves.values()])),
            "choices": [(html.key(names[label]), names[label]) for label in drawn],
            "worst": html.key(names[worst]),
        },
        {
            "precision-recall": Chart(
                chart(html.key(names[worst])),
                [row for label, one in drawn.items() for row in _rows(html.key(names[label]), one)],
            )
        },
    )


def curve(belongs: NDArray[np.bool_], probability: NDArray[np.float32]) -> Curve:
    """Return the curve of a class.

    Parameters
    ----------
    belongs : ndarray of bool
        Whether each image is of the class, of which there is one at least; shape (n,).
    probability : ndarray of float32
        That of the class, likewise.
    """
    order = np.argsort(-probability, kind="stable")
    found, scores = np.cumsum(belongs[order]), probability[order]
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))  # of equal probabilities
    last = last[: np.searchsorted(found[last], found[-1]) + 1]  # until all are found
    return Curve(found[last] / (last + 1), found[last] / found[-1], scores[last])


def chart(chosen: str) -> Spec:
    """Return the chart of the curves; that of the class ``chosen`` is marked.

    Rows: ``class``, ``recall``, ``precision`` and ``threshold``.
    """
    mark = alt.param(name="chosen", value=chosen)
    base = alt.Chart().encode(
        x=alt.X("recall:Q", title="recall", scale=alt.Scale(domain=[0, 1]), axis=_percents()),
        y=alt.Y("precision:Q", title="precision", scale=alt.Scale(domain=[0, 1]), axis=_percents()),
        order="recall:Q",
    )
    readings: list[Any] = ["class:N"]
    readings += [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("recall", "precision")]
    readings += [alt.Tooltip("threshold:Q", title="from probability", format=".3f")]
    marked = base.transform_filter("datum.class === chosen")
    drawn = alt.layer(
        base.mark_line(
            color="var(--soft)", strokeWidth=1, opacity=0.35, interpolate="step-before"
        ).encode(detail="class:N"),
        marked.mark_line(color="var(--train)", strokeWidth=2.5, interpolate="step-before"),
        marked.mark_point(color="var(--train)", filled=True, size=25, opacity=1).encode(
            tooltip=readings
        ),
        **charts.sized(270, "Precision by recall of each class; the list above it chooses one"),
    ).add_params(mark)
    return charts.finished(drawn)


def _percents() -> alt.Axis:
    return alt.Axis(format=".0%", tickCount=5)


def _rows(name: str, one: Curve) -> charts.Rows:
    """Return the points of a curve: its ends, and some of about equal distance in recall."""
    wanted = np.searchsorted(one.recall, np.linspace(0, 1, POINTS - 1))
    places = np.unique(np.minimum([0, *wanted], len(one.recall) - 1))
    return [
        {
            "class": name,
            "recall": round(float(one.recall[at]), 5),
            "precision": round(float(one.precision[at]), 5),
            "threshold": round(float(one.threshold[at]), 5),
        }
        for at in places
    ]
