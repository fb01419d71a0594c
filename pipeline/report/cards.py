"""Cards: what a model and its data are, for people who did not make them, in Markdown.

After Mitchell et al., "Model cards for model reporting", 2019, and Gebru et al., "Datasheets for
datasets", 2021, as far as the pipeline knows.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.core import files
from pipeline.report import html as report_html

MODEL_CARD = "model_card.md"
DATA_CARD = "data_card.md"


def write(folder: Path, **content: Any) -> None:
    """Write both cards of a run into ``folder``; ``content`` is what the templates name."""
    environment = report_html.templates()
    environment.filters["md"] = escape
    environment.globals["decimals"] = _decimals
    for name in MODEL_CARD, DATA_CARD:
        text = environment.get_template(f"{name}.j2").render(**content)
        files.write_text(folder / name, text)


def escape(text: str) -> str:
    """Text from the data as Markdown that shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>|#&])", r"\\\1", text)


def _decimals(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)
