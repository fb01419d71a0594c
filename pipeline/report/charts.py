"""Charts of the pages, as Vega-Lite specifications made and validated by Altair.

They hold no data but the classes' names: a page gives each its rows by the name ``rows``, and sets
its parameters from controls of its own. Colours are the page's (CSS variables), so that a chart
follows the reader's dark mode and is printed in ink. Parameters and the view that
one selects in have names, for Altair would number them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

ROWS = "rows"
COUNTED_CLASSES = 20
"""A confusion matrix of more classes has no room for counts."""
CELL = 34
"""Height of a cell of the confusion matrix in pixels; ``SMALL_CELL`` where there are many."""
SMALL_CELL = 14
FEW_CLASSES, WIDE_CELL = 4, 90
"""So few classes have cells of this width in pixels; others share the page's width."""

BAR = 42
"""Height of a class's bars in pixels."""

Spec = dict[str, Any]

CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "domainColor": "var(--soft)",
        "gridColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelColor": "var(--ink)",
        "titleColor": "var(--soft)",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelLimit": 130,
        "labelOverlap": True,
    },
    "legend": {"labelColor": "var(--ink)", "titleColor": "var(--soft)"},
}

SUBSETS = {"train": "var(--train)", "validation": "var(--validation)", "test": "var(--test)"}
MEASURES = {"precision": "var(--precision)", "recall": "var(--recall)", "f1": "var(--f1)"}


def curves(measure: str, subsets: Sequence[str], epochs: int) -> Spec:
    """A measure by epoch, a line for each subset in ``shown``.

    Rows: ``epoch`` and, for each subset, a value. What is under the pointer is read off for all
    subsets at once.
    """
    shown = alt.param(name="shown", value=list(subsets))
    hover = _nearest("epoch")
    base = alt.Chart().encode(x=epochs_axis(epochs))
    lines = (
        base.transform_fold(list(subsets), as_=["subset", "value"])
        .transform_filter("indexof(shown, datum.subset) >= 0 && isValid(datum.value)")
        .encode(
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False, nice=True)),
            color=_colours("subset", SUBSETS, subsets),
        )
    )
    dash = alt.StrokeDash(
        "subset:N",
        legend=None,
        scale=alt.Scale(domain=list(SUBSETS), range=[[1, 0], [1, 0], [5, 3]]),
    )
    readings = [alt.Tooltip("epoch:Q", title="epoch")]
    readings += [alt.Tooltip(f"{name}:Q", title=name, format=".4f") for name in subsets]
    chart = alt.layer(
        lines.mark_line(strokeWidth=2).encode(strokeDash=dash),
        lines.mark_point(filled=True, size=30, opacity=1 if epochs <= 40 else 0),
        base.mark_rule(color="var(--soft)")
        .encode(
            opacity=alt.condition(hover, alt.value(0.6), alt.value(0), empty=False),
            tooltip=readings,
        )
        .add_params(hover)
        .properties(name="readings"),
        data=alt.NamedData(ROWS),
        width="container",
        height=230,
        description=f"{measure.capitalize()} by epoch for {', '.join(subsets)}",
    ).add_params(shown)
    return finished(chart)


def confusion(classes: Sequence[str]) -> Spec:
    """True against predicted classes; ``measure`` says what stands in the cells.

    Rows: ``actual``, ``predicted``, ``count``, ``recall`` (share of the true class) and
    ``precision`` (share of the predicted one). ``chosen`` is the cell that is marked.
    """
    names = list(classes)
    step = CELL if len(names) <= COUNTED_CLASSES else SMALL_CELL
    title = alt.Axis(labelAngle=-40, title="predicted class", grid=False, ticks=False, domain=False)
    measure = alt.param(name="measure", value="count")
    chosen = alt.param(name="chosen", value={"actual": None, "predicted": None})
    base = alt.Chart().encode(
        x=alt.X("predicted:N", sort=names, scale=alt.Scale(domain=names), axis=title),
        y=alt.Y(
            "actual:N",
            sort=names,
            scale=alt.Scale(domain=names),
            axis=alt.Axis(title="true class", grid=False, ticks=False, domain=False),
        ),
    )
    cells = base.mark_rect(cursor="pointer", strokeWidth=1, aria=False).encode(
        color=alt.condition(
            "datum.actual === datum.predicted",
            alt.value("var(--right)"),
            alt.value("var(--wrong)"),
        ),
        fillOpacity=alt.FillOpacity(
            "share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.04, 1], type="sqrt")
        ),
        stroke=alt.value("var(--panel)"),
        tooltip=[
            alt.Tooltip("actual:N", title="true class"),
            alt.Tooltip("predicted:N", title="predicted class"),
            alt.Tooltip("count:Q", title="images", format=","),
            alt.Tooltip("recall:Q", title="of the true class", format=".1%"),
            alt.Tooltip("precision:Q", title="of the predicted class", format=".1%"),
        ],
    )
    marked = (
        base.transform_filter(
            "datum.actual === chosen.actual && datum.predicted === chosen.predicted"
        )
        .mark_rect(filled=False, stroke="var(--ink)", strokeWidth=3, aria=False)
        .encode(tooltip=alt.value(None))
    )
    layers = [cells, marked]
    if len(names) <= COUNTED_CLASSES:
        layers.append(
            base.mark_text(fontSize=12, aria=False).encode(
                text=alt.Text("shown:N"),
                color=alt.condition(
                    "datum.share > 0.5", alt.value("var(--on-cell)"), alt.value("var(--ink)")
                ),
                opacity=alt.condition("datum.count > 0", alt.value(1), alt.value(0.4)),
            )
        )
    chart = (
        alt.layer(
            *layers,
            data=alt.NamedData(ROWS),
            width=WIDE_CELL * len(names) if len(names) <= FEW_CLASSES else "container",
            height=step * len(names),
            description="Confusion matrix; the lists beside it choose a cell by keyboard",
        )
        .transform_calculate(
            share="measure === 'precision' ? datum.precision : datum.recall",
            shown="measure === 'count' ? format(datum.count, ',') : "
            "format(measure === 'precision' ? datum.precision : datum.recall, '.0%')",
        )
        .add_params(measure, chosen)
    )
    return finished(chart)


def scores(classes: Sequence[str]) -> Spec:
    """Precision, recall and F1 of each class as bars, those in ``shown``, in ascending ``order``.

    Rows: ``class``, ``label``, ``support`` and the three. ``order`` is one of their names.
    """
    order = alt.param(name="order", value="label")
    shown = alt.param(name="shown", value=list(MEASURES))
    chart = (
        alt.Chart(alt.NamedData(ROWS), width="container", height=BAR * len(classes))
        .transform_calculate(key="datum[order]")
        .transform_fold(list(MEASURES), as_=["measure", "value"])
        .transform_filter("indexof(shown, datum.measure) >= 0")
        .mark_bar()
        .encode(
            x=alt.X(
                "value:Q",
                title=None,
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%", orient="top", tickCount=5),
            ),
            y=alt.Y(
                "class:N",
                title=None,
                sort=alt.EncodingSortField("key", op="min", order="ascending"),
                scale=alt.Scale(paddingInner=0.25),
                axis=alt.Axis(ticks=False, domain=False),
            ),
            yOffset=alt.YOffset("measure:N", sort=list(MEASURES)),
            color=_colours("measure", MEASURES, list(MEASURES)),
            tooltip=[
                alt.Tooltip("class:N"),
                alt.Tooltip("precision:Q", format=".3f"),
                alt.Tooltip("recall:Q", format=".3f"),
                alt.Tooltip("f1:Q", title="F1", format=".3f"),
                alt.Tooltip("support:Q", title="test images", format=","),
            ],
        )
        .properties(description=f"Precision, recall and F1 of {len(classes)} classes")
        .add_params(order, shown)
    )
    return finished(chart)


def calibration() -> Spec:
    """How often the model is right, by how sure it was.

    Rows: ``low`` and ``high`` (a bin's edges), ``n``, ``confidence`` and ``accuracy``.
    """
    share = alt.Scale(domain=[0, 1])
    readings = [
        alt.Tooltip("low:Q", title="confidence above", format=".0%"),
        alt.Tooltip("high:Q", title="up to", format=".0%"),
        alt.Tooltip("n:Q", title="test images", format=","),
        alt.Tooltip("confidence:Q", title="mean confidence", format=".1%"),
        alt.Tooltip("accuracy:Q", title="accuracy", format=".1%"),
    ]
    base = alt.Chart()
    x = alt.X("low:Q", title="confidence", scale=share, axis=alt.Axis(format=".0%", tickCount=5))
    y = alt.Y("accuracy:Q", title="accuracy", scale=share, axis=alt.Axis(format=".0%", tickCount=5))
    chart = alt.layer(
        base.mark_bar(fill="var(--train)", fillOpacity=0.35, stroke="var(--train)").encode(
            x=x, x2="high:Q", y=y, y2=alt.datum(0), tooltip=readings
        ),
        alt.Chart(alt.InlineData([{"at": 0}, {"at": 1}]))
        .mark_line(color="var(--soft)", strokeDash=[5, 3])
        .encode(x="at:Q", y="at:Q"),
        base.mark_rule(color="var(--wrong)", strokeWidth=2).encode(
            x="confidence:Q", y="accuracy:Q", y2="confidence:Q"
        ),
        base.mark_point(filled=True, size=45, color="var(--ink)", opacity=1).encode(
            x="confidence:Q", y="accuracy:Q", tooltip=readings
        ),
        data=alt.NamedData(ROWS),
        width="container",
        height=270,
        description="Reliability diagram: accuracy by confidence",
    )
    return finished(chart)


def confidences() -> Spec:
    """How many test images there are of each confidence; rows as of ``calibration``."""
    chart = (
        alt.Chart(alt.NamedData(ROWS), width="container", height=270)
        .mark_bar(fill="var(--train)")
        .encode(
            x=alt.X(
                "low:Q",
                title="confidence",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%", tickCount=5),
            ),
            x2="high:Q",
            y=alt.Y("n:Q", title="test images", axis=alt.Axis(format="~s", tickCount=5)),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("low:Q", title="confidence above", format=".0%"),
                alt.Tooltip("high:Q", title="up to", format=".0%"),
                alt.Tooltip("n:Q", title="test images", format=","),
            ],
        )
        .properties(description="Histogram of confidence")
    )
    return finished(chart)


def counts(classes: int, subsets: Sequence[str]) -> Spec:
    """Images of some classes, stacked by subset.

    Rows: ``class``, ``label``, ``subset`` and ``n``.
    """
    chart = (
        alt.Chart(alt.NamedData(ROWS), width="container", height=22 * classes)
        .transform_calculate(place=f"indexof({list(subsets)!r}, datum.subset)")
        .mark_bar()
        .encode(
            x=alt.X("n:Q", title="images", axis=alt.Axis(format="~s", tickCount=5)),
            y=alt.Y(
                "class:N",
                title=None,
                sort=alt.EncodingSortField("label", op="min"),
                axis=alt.Axis(ticks=False, domain=False),
            ),
            color=_colours("subset", SUBSETS, subsets),
            order="place:Q",
            tooltip=["class:N", "subset:N", alt.Tooltip("n:Q", title="images", format=",")],
        )
        .properties(description="Images of each class by subset")
    )
    return finished(chart)


def epochs_axis(count: int) -> alt.X:
    """Epochs along a chart; ``count`` of them."""
    few = list(range(1, count + 1)) if count <= 12 else alt.Undefined  # else Vega divides them
    axis = alt.Axis(format="d", tickMinStep=1, values=few, grid=False)
    scale = alt.Scale(nice=False, padding=8 if count > 1 else 40)
    return alt.X("epoch:Q", title="epoch", axis=axis, scale=scale)


def _nearest(field: str) -> alt.Parameter:
    return alt.selection_point(
        name="hover",
        fields=[field],
        nearest=True,
        on="pointermove",
        clear="pointerout",
        empty=False,
    )


def _colours(field: str, colours: Mapping[str, str], used: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(used), range=[colours[name] for name in used])
    return alt.Color(f"{field}:N", legend=None, scale=scale)


def finished(chart: alt.Chart | alt.LayerChart | alt.FacetChart) -> Spec:
    """The chart as a specification, in the pages' look; refused if Vega-Lite's schema does."""
    spec: Spec = chart.to_dict()
    return {**spec, "config": dict(CONFIG)}
