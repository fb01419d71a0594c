"""The notebook: its two forms are the same, and it runs from its first cell to its last."""

import sys
from pathlib import Path

import jupytext
import pytest

from tests.support.builders import ROOT
from tests.support.repository import Copy
from website import notebook

TEXT, NOTEBOOK = ROOT / "notebooks/tutorial.py", ROOT / "notebooks/tutorial.ipynb"


def cells(path):
    return [(cell.cell_type, cell.source) for cell in jupytext.read(path).cells]


def test_both_forms_are_the_same_and_hold_no_results():
    assert cells(TEXT) == cells(NOTEBOOK), "run: jupytext --sync notebooks/tutorial.py"
    for cell in jupytext.read(NOTEBOOK).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_the_page_has_its_text_and_its_code():
    page = notebook.page()
    assert page.startswith("# Convolutional networks")
    assert page.count("```python") == sum(kind == "code" for kind, _ in cells(TEXT))


@pytest.mark.slow
def test_it_runs_and_draws_its_pictures(tmp_path):
    """Its assertions hold, too. The pipeline's own run has three epochs instead of ten."""
    copy = Copy(tmp_path)
    copy.change("    epochs: 10\n", "    epochs: 3\n")
    execute = Path(sys.executable).with_name("jupyter-execute")
    copy.call(str(execute), "--inplace", "notebooks/tutorial.ipynb")
    outputs = [
        output
        for cell in jupytext.read(copy.folder / "notebooks/tutorial.ipynb").cells
        for output in cell.get("outputs", ())
    ]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 6
    assert any("test accuracy: 0." in output.get("text", "") for output in outputs)
