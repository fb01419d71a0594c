"""Evaluations and headlines that are committed agree with histories and data cards."""

import pytest

from pipeline import runs
from pipeline.core import files, paths
from pipeline.core.params import Params
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import validated
from pipeline.models import history
from pipeline.subsets.data_card import DataCard
from tests.support.builders import ROOT


@pytest.mark.parametrize("graph", ["", "ablation/", "transfer/"])
def test_committed_runs(graph, monkeypatch):
    monkeypatch.chdir(ROOT)
    params = Params.read(paths.params(f"{graph}run"))
    seen = 0
    for name in params.value("runs"):
        folder = paths.metrics(f"{graph}{name}")
        if not (folder / "evaluation.json").exists():
            continue
        seen += 1
        evaluation = Evaluation.read(folder / "evaluation.json")
        card = paths.data_card(runs.dataset(params, name))
        own = paths.graph(f"{graph}{name}") / card  # of a study that prepares its datasets itself
        card = DataCard.read(own if own.exists() else card)
        curves = history.read(folder / "history.csv")
        stopped = runs.section(params, name, "train", history.Stopped)
        n = card.subsets["validation"].n
        assert evaluation.validation == validated(curves, stopped, n), name
        assert files.read_json(folder / "metrics.json") == evaluation.headline(), name
    assert seen >= 5
