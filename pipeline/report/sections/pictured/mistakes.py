"""Mistakes: the images that the model gets wrong, and those of which it is least certain."""

from pipeline.report import gallery
from pipeline.report.results import Results
from pipeline.report.sections.section import Section


def mistakes(results: Results) -> Section:
    """Return the most confident mistakes and the most uncertain images."""
    shown, params = results.gallery, results.params
    wrong = gallery.mistakes(shown.predictions)[: params.mistakes]
    unsure = gallery.uncertain(shown.predictions)[: params.uncertain]
    return Section(
        {
            "mistakes": shown.show(wrong, gallery.TOP_BUDGET),
            "uncertain": shown.show(unsure, gallery.TOP_BUDGET),
        }
    )
