"""Pages of ``dvc plots`` that need no network."""

from pathlib import Path

import pytest

from tests.support.builders import ROOT
from tests.support.dvc_project import build
from tests.support.repository import call

GRAPH = """
stages:
  train:
    cmd: printf 'epoch,loss\\n1,2\\n2,1\\n' > history.csv
    plots: [history.csv: {cache: false, x: epoch, y: loss}]
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC
def test_pages_have_vega_within_and_load_nothing(tmp_path):
    folder = build(tmp_path, GRAPH) / "project"
    where = {"PYTHONPATH": str(ROOT)}
    call(["python", "-m", "pipeline", "offline-plots"], folder, where)
    call(["dvc", "plots", "show"], folder)
    head, _, body = (folder / "dvc_plots/index.html").read_text().rpartition("\n<body>\n")
    assert "vegaEmbed" in head
    assert len(head) > 500_000
    assert "history.csv" in body
    assert "src=" not in body
    assert "<script src" not in head
    status = call(["git", "status", "--porcelain"], folder, where)
    assert status == "?? project/dvc_plots/\n"
    assert Path(folder, ".dvc/config.local").exists()
