"""Parameters of ``evaluate``."""

from typing import Annotated

from pydantic import Field

from pipeline.core.params import Section
from pipeline.evaluate.tta import Views
from pipeline.models.runtime import Threads


class EvaluateParams(Section):
    """``evaluate``, in the defaults or in a run."""

    batch_size: Annotated[int, Field(gt=0, le=65_536)] = 1000
    """Images shown to the model at once, at most: fewer where a network's outputs are large."""
    views: Views = Views()
    """Views of each test image, over which its probabilities are averaged."""
    calibration_bins: Annotated[int, Field(ge=1, le=1000)] = 15
    """Bins of the expected calibration error."""
    occlusion: Annotated[int, Field(ge=0, le=100)] = 0
    """Mistakes, and as many hits, of which the report shows what the network looks at. Each takes
    121 predictions."""
    threads: Threads = 2
