"""Network: the layers, and what they cost."""

from pipeline.report import network as networks
from pipeline.report.results import Results
from pipeline.report.sections.section import Section

FEW = 30
"""Layers that a table shows at once; a longer one folds."""


def network(results: Results) -> Section:
    """Return the layers with their shapes, parameters and products, and the sums."""
    layers = results.network
    return Section(
        {
            "layers": layers,
            "parameters": sum(layer.parameters for layer in layers),
            "trained": sum(layer.trained for layer in layers),
            "products": sum(layer.products or 0 for layer in layers),
            "uncounted": networks.uncounted(layers),
            "folded": len(layers) > FEW,
        }
    )
