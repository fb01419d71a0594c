"""Tables for the console, for Markdown, and as JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from tabulate import tabulate

from pipeline.core.errors import shown

WIDEST = 200
"""Characters of a cell."""
Format = Literal["text", "markdown", "json"]


def render(
    rows: Iterable[Sequence[Any]], header: Sequence[str], form: Format, value: Any = None
) -> str:
    """Return rows as a table, or ``value`` as JSON.

    Floats have four decimals, integers commas. In Markdown nothing in a cell is taken for markup.
    """
    if form == "json":
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    cells = [[_cell(cell) for cell in row] for row in rows]
    if form == "markdown":
        cells = [[_escaped(cell) for cell in row] for row in cells]
        return tabulate(cells, header, "github", disable_numparse=True)
    # The header as a row, for tabulate would make its columns two characters wider.
    return tabulate([header, *cells], tablefmt="plain", disable_numparse=True)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else shown(str(value), WIDEST)


def _escaped(text: str) -> str:
    for character in "\\|<>*_`[]":
        text = text.replace(character, f"\\{character}")
    return text
