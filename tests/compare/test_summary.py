from pipeline.compare import summary
from pipeline.core import files
from pipeline.core.params import Params

EXPECTED = """\
run       dataset   n      accuracy  95% interval      training  loss    report
demo_idx  demo_idx  1,000  0.8400    0.8160 to 0.8614  0.8549    0.4541  dvc repro report@demo_idx
not evaluated yet: new"""
EVALUATION = {
    "accuracy": 0.84,
    "accuracy_interval": {"high": 0.8614, "low": 0.816},
    "classes": {"cat": {"f1": 0.84, "precision": 0.84, "recall": 0.84, "support": 1000}},
    "expected_calibration_error": 0.01,
    "loss": 0.45412,
    "n": 1000,
    "train_accuracy": 0.85486,
}


def test_evaluated_runs_are_a_table_and_others_are_named(tmp_path, monkeypatch):
    folder = tmp_path / "metrics/runs/demo_idx"
    files.write_json(folder / "evaluation.json", EVALUATION)
    monkeypatch.chdir(tmp_path)
    runs = Params({"runs": {"demo_idx": {"dataset": "demo_idx"}, "new": {}}})
    assert summary.table(runs) == EXPECTED
    (folder / "report.html").touch()
    assert "0.4541  metrics/runs/demo_idx/report.html" in summary.table(runs)
