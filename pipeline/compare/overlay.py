"""Curves of several runs laid over each other, as a chart."""

import altair as alt

from pipeline.report import charts

SERIES = 8
"""Colours that the pages have for runs; more runs share them."""


def chart() -> charts.Spec:
    """Curves of several runs laid over each other; rows: ``run``, ``series``, ``epoch``, ``value``.

    ``series`` is the number of the run's colour; ``marked`` names the run that is emphasized.
    """
    marked = alt.param(name="marked", value="")
    colours = [f"var(--series-{number})" for number in range(SERIES)]
    base = alt.Chart(alt.NamedData(charts.ROWS), width="container", height=340).encode(
        x=charts.epochs_axis(2),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        detail="run:N",
        color=alt.Color(
            "series:N", legend=None, scale=alt.Scale(domain=list(range(SERIES)), range=colours)
        ),
        opacity=alt.condition(
            "marked === '' || marked === datum.run", alt.value(1), alt.value(0.15)
        ),
        tooltip=["run:N", "epoch:Q", alt.Tooltip("value:Q", format=".4f")],
    )
    layers = alt.layer(
        base.mark_line(strokeWidth=2, aria=False),
        base.mark_point(filled=True, size=40),
        description="Curves of the runs in the table",
    ).add_params(marked)
    return charts.finished(layers)
