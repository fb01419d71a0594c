"""Charts, as Vega-Lite specifications made and validated by Altair.

A page and ``figures`` draw the same specifications. They hold no data but the classes' names: rows
are given to them by the name ``rows``. A page sets their parameters from controls of its own.
Colours are CSS variables of the page, so that a chart follows the reader's dark mode and is printed
in ink. Parameters and views that can be selected in have names, since Altair would number them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt

from pipeline.report import html

ROWS = "rows"
COUNTED_CLASSES = 20
"""A confusion matrix of more classes has no room for counts."""
CELL = 34
"""Height of a cell of the confusion matrix, in pixels; ``SMALL_CELL`` where there are many."""
SMALL_CELL = 14
FEW_CLASSES, WIDE_CELL = 4, 90
"""Cells of so few classes have this width, in pixels; others share the page's width."""
BAR = 42
"""Height of a class's bars, in pixels."""
MARKED_EPOCHS = 40
"""Curves of more epochs have no points."""
BIN = (("low", "confidence above", ".0%"), ("high", "up to", ".0%"), ("n", "test images", ","))
"""Tooltips of a bin of confidence."""
READINGS = "readings"
"""The layer that only answers the pointer."""

Spec = dict[str, Any]
Rows = list[dict[str, Any]]


class Chart(NamedTuple):
    """A chart with its rows."""

    spec: Spec
    rows: Rows


SUBSETS = {"train": "var(--train)", "validation": "var(--validation)", "test": "var(--test)"}
MEASURES = {"precision": "var(--precision)", "recall": "var(--recall)", "f1": "var(--f1)"}


def curves(measure: str, subsets: Sequence[str], epochs: int) -> Spec:
    """Return the chart of a measure by epoch, with a line for each subset in ``shown``.

    Rows: ``epoch`` and, for each subset, a value. The pointer reads off all subsets at once.
    """
    shown = alt.param(name="shown", value=list(subsets))
    events: dict[str, Any] = {"on": "pointermove", "clear": "pointerout"}
    hover = alt.selection_point("hover", fields=["epoch"], nearest=True, empty=False, **events)
    base = alt.Chart().encode(x=epochs_axis(epochs))
    lines = (
        base.transform_fold(list(subsets), as_=["subset", "value"])
        .transform_filter("indexof(shown, datum.subset) >= 0 && isValid(datum.value)")
        .encode(
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False, nice=True)),
            color=_colours("subset", SUBSETS, subsets),
        )
    )
    dashes = alt.Scale(domain=list(SUBSETS), range=[[1, 0], [1, 0], [5, 3]])
    readings = _tooltips(("epoch", "epoch", "d"), *((name, name, ".4f") for name in subsets))
    chart = alt.layer(
        lines.mark_line(strokeWidth=2).encode(
            strokeDash=alt.StrokeDash("subset:N", legend=None, scale=dashes)
        ),
        lines.mark_point(filled=True, size=30, opacity=1 if epochs <= MARKED_EPOCHS else 0),
        base.mark_rule(color="var(--soft)")
        .encode(
            opacity=alt.condition(hover, alt.value(0.6), alt.value(0), empty=False),
            tooltip=readings,
        )
        .add_params(hover)
        .properties(name=READINGS),
        **sized(230, f"{measure.capitalize()} by epoch for {', '.join(subsets)}"),
    ).add_params(shown)
    return finished(chart)


def confusion(classes: Sequence[str]) -> Spec:
    """Return the confusion matrix; ``measure`` says what stands in its cells.

    Rows: ``actual``, ``predicted``, ``count``, ``recall`` (share of the true class) and
    ``precision`` (share of the predicted one). ``chosen`` is the cell that is marked.
    """
    names = list(classes)
    counted = len(names) <= COUNTED_CLASSES
    bare: dict[str, Any] = {"grid": False, "ticks": False, "domain": False, "labelOverlap": False}
    order: dict[str, Any] = {"sort": names, "scale": alt.Scale(domain=names)}
    below = alt.Axis(title="predicted class", labelAngle=-40 if counted else -90, **bare)
    measure = alt.param(name="measure", value="count")
    chosen = alt.param(name="chosen", value={"actual": None, "predicted": None})
    base = alt.Chart().encode(
        x=alt.X("predicted:N", axis=below, **order),
        y=alt.Y("actual:N", axis=alt.Axis(title="true class", **bare), **order),
    )
    cells = base.mark_rect(cursor="pointer", strokeWidth=1, aria=False).encode(
        color=either("datum.actual === datum.predicted", "var(--right)", "var(--wrong)"),
        fillOpacity=alt.FillOpacity(
            "share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.04, 1], type="sqrt")
        ),
        stroke=alt.value("var(--panel)"),
        tooltip=[
            alt.Tooltip("actual:N", title="true class"),
            alt.Tooltip("predicted:N", title="predicted class"),
            *_tooltips(
                ("count", "images", ","),
                ("recall", "of the true class", ".1%"),
                ("precision", "of the predicted class", ".1%"),
            ),
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
    if counted:
        layers.append(
            base.mark_text(fontSize=12, aria=False).encode(
                text=alt.Text("shown:N"),
                color=either("datum.share > 0.5", "var(--on-cell)", "var(--ink)"),
                opacity=either("datum.count > 0", 1, 0.4),
            )
        )
    chart = (
        alt.layer(
            *layers,
            **sized(
                (CELL if counted else SMALL_CELL) * len(names),
                "Confusion matrix; the lists beside it choose a cell by keyboard",
                WIDE_CELL * len(names) if len(names) <= FEW_CLASSES else "container",
            ),
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
    """Return bars of precision, recall and F1 of each class: those in ``shown``.

    Rows: ``class``, ``label``, ``alphabet``, ``support`` and the three. Classes ascend by one of
    these columns, which ``order`` names.
    """
    order = alt.param(name="order", value="label")
    shown = alt.param(name="shown", value=list(MEASURES))
    chart = (
        alt.Chart(
            **sized(BAR * len(classes), f"Precision, recall and F1 of {len(classes)} classes")
        )
        .transform_calculate(key="datum[order]")
        .transform_fold(list(MEASURES), as_=["measure", "value"])
        .transform_filter("indexof(shown, datum.measure) >= 0")
        .mark_bar()
        .encode(
            x=_share(alt.X, "value").title(None).axis(format=".0%", orient="top", tickCount=5),
            y=_class_axis("key").scale(paddingInner=0.25),
            yOffset=alt.YOffset("measure:N", sort=list(MEASURES)),
            color=_colours("measure", MEASURES, list(MEASURES)),
            tooltip=[
                "class:N",
                *_tooltips(*((name, name.replace("f1", "F1"), ".3f") for name in MEASURES)),
                *_tooltips(("support", "test images", ",")),
            ],
        )
        .add_params(order, shown)
    )
    return finished(chart)


def calibration() -> Spec:
    """Return the reliability diagram: how often the model is right, by its confidence.

    Rows: ``low`` and ``high`` (a bin's edges), ``n``, ``confidence`` and ``accuracy``.
    """
    readings = _tooltips(
        *BIN, ("confidence", "mean confidence", ".1%"), ("accuracy", "accuracy", ".1%")
    )
    base = alt.Chart()
    right = _share(alt.Y, "accuracy")
    chart = alt.layer(
        base.mark_bar(fill="var(--train)", fillOpacity=0.35, stroke="var(--train)").encode(
            x=_share(alt.X, "low"), x2="high:Q", y=right, y2=alt.datum(0), tooltip=readings
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
        **sized(270, "Reliability diagram: accuracy by confidence"),
    )
    return finished(chart)


def confidences() -> Spec:
    """Return the histogram of confidence; rows are those of ``calibration``."""
    chart = (
        alt.Chart(**sized(270, "Histogram of confidence"))
        .mark_bar(fill="var(--train)")
        .encode(
            x=_share(alt.X, "low"),
            x2="high:Q",
            y=alt.Y("n:Q", title="test images", axis=alt.Axis(format="~s", tickCount=5)),
            y2=alt.datum(0),
            tooltip=_tooltips(*BIN),
        )
    )
    return finished(chart)


def counts(classes: int, subsets: Sequence[str]) -> Spec:
    """Return bars of the images of some classes, stacked by subset.

    Rows: ``class``, ``label``, ``subset`` and ``n``.
    """
    chart = (
        alt.Chart(**sized(22 * classes, "Images of each class by subset"))
        .transform_calculate(place=f"indexof({list(subsets)!r}, datum.subset)")
        .mark_bar()
        .encode(
            x=alt.X("n:Q", title="images", axis=alt.Axis(format="~s", tickCount=5)),
            y=_class_axis("label"),
            color=_colours("subset", SUBSETS, subsets),
            order="place:Q",
            tooltip=["class:N", "subset:N", alt.Tooltip("n:Q", title="images", format=",")],
        )
    )
    return finished(chart)


def epochs_axis(count: int) -> alt.X:
    """Return the axis of ``count`` epochs."""
    few = list(range(1, count + 1)) if count <= 12 else alt.Undefined  # else Vega divides them
    axis = alt.Axis(format="d", tickMinStep=1, values=few, grid=False)
    scale = alt.Scale(nice=False, padding=8 if count > 1 else 40)
    return alt.X("epoch:Q", title="epoch", axis=axis, scale=scale)


def either(test: str, yes: Any, no: Any) -> Any:
    """Return one of two values, by an expression of Vega."""
    return alt.condition(test, alt.value(yes), alt.value(no))


def sized(height: int, description: str, width: int | str = "container") -> dict[str, Any]:
    """Return the properties of a chart of the rows; sizes are in pixels."""
    data = alt.NamedData(ROWS)
    return {"data": data, "width": width, "height": height, "description": description}


def _class_axis(order: str) -> alt.Y:
    """Return the axis of the classes, which ascend by the field ``order``."""
    sort = alt.EncodingSortField(order, op="min", order="ascending")
    return alt.Y("class:N", title=None, sort=sort, axis=alt.Axis(ticks=False, domain=False))


def _share(channel: type[Any], field: str) -> Any:
    """Return an axis of shares from 0 to 1; ``low`` is the lower edge of a bin of confidence."""
    axis = alt.Axis(format=".0%", tickCount=5)
    title = "confidence" if field == "low" else field
    return channel(f"{field}:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=axis)


def _tooltips(*fields: tuple[str, str, str]) -> list[alt.Tooltip]:
    """Return tooltips of numbers: field, title and format."""
    return [alt.Tooltip(f"{name}:Q", title=title, format=form) for name, title, form in fields]


def _colours(field: str, colours: Mapping[str, str], used: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(used), range=[colours[name] for name in used])
    return alt.Color(f"{field}:N", legend=None, scale=scale)


def finished(chart: alt.Chart | alt.LayerChart | alt.FacetChart) -> Spec:
    """Return a chart as a specification in the pages' look.

    Raises
    ------
    altair.utils.schemapi.SchemaValidationError
        If it is not valid Vega-Lite.
    """
    config = json.loads((html.FOLDER / "charts.json").read_text(encoding="utf-8"))
    return {**chart.to_dict(), "config": config}
