"""The page of a run: its sections, in their order.

The text of a section is ``templates/sections/NAME.html.j2``.
"""

from collections.abc import Callable, Mapping

from pipeline.evaluate import baseline
from pipeline.report import html, thumbnails
from pipeline.report.results import Results
from pipeline.report.sections.described.data import data
from pipeline.report.sections.described.network import network
from pipeline.report.sections.described.parameters import parameters
from pipeline.report.sections.described.reproduce import reproduce
from pipeline.report.sections.described.start import start
from pipeline.report.sections.measured.calibration import calibration
from pipeline.report.sections.measured.classes import classes
from pipeline.report.sections.measured.confusion import confusion
from pipeline.report.sections.measured.precision_recall import precision_recall
from pipeline.report.sections.measured.summary import summary
from pipeline.report.sections.measured.training import training
from pipeline.report.sections.pictured.attention import attention
from pipeline.report.sections.pictured.filters import filters
from pipeline.report.sections.pictured.matrix import matrix
from pipeline.report.sections.pictured.mistakes import mistakes
from pipeline.report.sections.section import Section
from pipeline.subsets.split import SUBSETS

SECTIONS: Mapping[str, tuple[str, Callable[[Results], Section | None]]] = {
    "summary": ("Results", summary),
    "start": ("Start", start),
    "training": ("Training", training),
    "confusion": ("Confusion matrix", confusion),
    "classes": ("Classes", classes),
    "precision-recall": ("Precision and recall", precision_recall),
    "calibration": ("Calibration", calibration),
    "mistakes": ("Mistakes", mistakes),
    "attention": ("Attention", attention),
    "data-card": ("Data", data),
    "network": ("Network", network),
    "matrix": ("Matrix", matrix),
    "filters": ("Filters", filters),
    "parameters": ("Parameters", parameters),
    "reproduce": ("Reproduce", reproduce),
}
"""Titles in the table of contents, and functions, by the name of the template."""
UNFOLDED = ("summary", "training", "confusion")
"""Sections that are open at first also where the screen is narrow."""


def page(results: Results) -> str:
    """Return the page of a run, without the sections that ``report.hide`` names."""
    made = {
        name: make(results)
        for name, (_, make) in SECTIONS.items()
        if name not in results.params.hide
    }
    present = {name: section for name, section in made.items() if section is not None}
    drawn = {name: chart for section in present.values() for name, chart in section.charts.items()}
    index = results.dataset.index
    shared = {
        "run": results.run,
        "card": results.card,
        "left_out": results.left_out,
        "converted": results.converted,
        "classes": results.classes,
        "subsets": SUBSETS,
        "evaluation": results.evaluation,
        "fault": baseline.fault(results.evaluation),
        "shown_classes": results.shown,
        "thumbnail": thumbnails.shown_shape(index.shape),
        "reduced": thumbnails.shown_shape(index.shape) != index.shape[:2],
    }
    return html.page(
        html.FOLDER / "report.html.j2",
        {
            "charts": {name: chart.spec for name, chart in drawn.items()},
            "rows": {name: chart.rows for name, chart in drawn.items()},
            "classes": list(map(html.key, results.classes)),
            **{key: value for section in present.values() for key, value in section.data.items()},
        },
        sections={
            name: (
                SECTIONS[name][0],
                html.fill(html.FOLDER / f"sections/{name}.html.j2", **shared, **section.content),
            )
            for name, section in present.items()
        },
        unfolded=UNFOLDED,
        **shared,
    )
