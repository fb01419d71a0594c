"""A section of a run's page: what its template, its charts and the page's scripts are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.report.charts import Chart


@dataclass(frozen=True)
class Section:
    """Values for a section's template and for the page's scripts."""

    content: Mapping[str, Any] = field(default_factory=dict)
    """The template's variables."""
    charts: Mapping[str, Chart] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    """Values for scripts, by name."""
