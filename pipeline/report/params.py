"""Parameters of ``report``."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.core.params import Section

SectionName = Literal[
    "summary",
    "start",
    "training",
    "confusion",
    "classes",
    "precision-recall",
    "calibration",
    "mistakes",
    "attention",
    "data-card",
    "network",
    "matrix",
    "filters",
    "parameters",
    "reproduce",
]
"""Sections of the page, as its links name them."""


class ReportParams(Section):
    """``report``, in the defaults or in a run: what figures show, never what a number is."""

    dpi: Annotated[int, Field(ge=50, le=300)] = 120
    """Pixels an inch of the figures."""
    mistakes: Annotated[int, Field(ge=1, le=200)] = 20
    """Most confident mistakes shown."""
    uncertain: Annotated[int, Field(ge=1, le=200)] = 20
    """Most uncertain images shown."""
    images_per_cell: Annotated[int, Field(ge=1, le=200)] = 20
    """Images shown behind a cell of the confusion matrix; a page has room for some thousand."""
    samples_per_class: Annotated[int, Field(ge=1, le=20)] = 5
    """Training images of each class shown with their labels."""
    hide: tuple[SectionName, ...] = ()
    """Sections that are left out of the page."""
