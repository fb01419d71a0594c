"""Data: the numbers of images, and samples of them."""

from pipeline.report import charts, html, thumbnails
from pipeline.report.charts import Chart
from pipeline.report.results import Results
from pipeline.report.sections.section import Section
from pipeline.subsets.split import SUBSETS


def data(results: Results) -> Section:
    """Return the data card, and training images with their labels."""
    subsets = results.card.subsets
    used = [subset for subset in SUBSETS if subsets[subset].n]
    rows = [
        {
            "class": html.key(results.classes[label]),
            "label": label,
            "subset": subset,
            "n": subsets[subset].classes[results.classes[label]],
        }
        for label in results.shown
        for subset in used
    ]
    return Section(
        {"samples": thumbnails.samples(results.dataset, results.samples())},
        {"counts": Chart(charts.counts(len(results.shown), used), rows)},
    )
