"""Filters: those of the first layer, and what each makes of an image."""

from pipeline.report import first_layer
from pipeline.report.results import Results
from pipeline.report.sections.section import Section

ACTIVATION = "relu"
"""The network's, where ``model`` does not say."""


def filters(results: Results) -> Section | None:
    """Return the filters of the first layer and their responses; None if it has none to show.

    A filter of one pixel has no form.
    """
    layer = results.layer
    if layer is None or max(layer.kernel.shape[:2]) == 1:
        return None
    seen = first_layer.seen(layer, results.dataset)
    return Section(
        {
            "filters": first_layer.pictures(layer),
            "filter_count": layer.kernel.shape[-1],
            "activation": results.effective["model"].get("activation", ACTIVATION),
            "responses": len(seen),
        },
        data={"filters": seen},
    )
