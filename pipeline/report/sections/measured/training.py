"""Training: loss and accuracy by epoch."""

from pipeline.report import charts
from pipeline.report.charts import Chart
from pipeline.report.results import Results
from pipeline.report.sections.section import Section
from pipeline.subsets.split import SUBSETS


def training(results: Results) -> Section:
    """Return the curves and the values of all epochs."""
    both = {measure: curves(results, measure) for measure in ("loss", "accuracy")}
    said = {"tracked": tracked(results), "history": results.history}
    return Section(said | {"trained_on": results.trained_on}, both)


def tracked(results: Results) -> list[str]:
    """Return the subsets that the curves have."""
    return [subset for subset in SUBSETS if f"{subset}_loss" in results.history]


def curves(results: Results, measure: str) -> Chart:
    """Return the curves of ``loss`` or ``accuracy``."""
    subsets, history = tracked(results), results.history
    rows = [
        {"epoch": int(epoch)}
        | {subset: float(history[f"{subset}_{measure}"][row]) for subset in subsets}
        for row, epoch in enumerate(history["epoch"])
    ]
    return Chart(charts.curves(measure, subsets, len(rows)), rows)
