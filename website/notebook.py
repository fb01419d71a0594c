"""The notebook as a page: its text, its code, and how to run it."""

from pathlib import Path

import jupytext

FILE = Path(__file__).parents[1] / "notebooks" / "tutorial.py"
HOW = """!!! note
    This page is `notebooks/tutorial.ipynb` without its pictures. Jupyter or VS Code shows them,
    with `.venv` as the kernel; `make setup DEV=1` installs what that needs.
"""


def page() -> str:
    """Return the page, in Markdown."""
    first, *others = jupytext.read(FILE).cells
    title, _, introduction = first.source.partition("\n\n")
    parts = [title, HOW, introduction]
    for cell in others:
        is_text = cell.cell_type == "markdown"
        parts.append(cell.source if is_text else f"```python\n{cell.source}\n```")
    return "\n\n".join(parts) + "\n"
