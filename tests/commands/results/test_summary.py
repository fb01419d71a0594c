"""The table of runs."""

import json


def test_summary_shows_the_evaluated_runs(call, project):
    assert "not evaluated yet: tiny_idx, tiny_png" in call("summary").stdout
    folder = project.folder / "metrics/runs/tiny_idx"
    folder.mkdir(parents=True)
    found = {
        "accuracy": 0.875,
        "accuracy_interval": {"low": 0.5, "high": 0.99},
        "classes": {
            "cat": {"f1": 0.9, "precision": 0.9, "recall": 1.0, "support": 6_000},
            "dog": {"f1": 0.8, "precision": 0.8, "recall": 0.75, "support": 6_000},
        },
        "expected_calibration_error": 0.05,
        "n": 12_000,
        "train_accuracy": 0.9,
        "loss": 0.25,
    }
    (folder / "evaluation.json").write_text(json.dumps(found))
    header, row, rest = call("summary").stdout.splitlines()
    assert header.split()[:4] == ["run", "dataset", "n", "accuracy"]
    assert row.split()[:4] == ["tiny_idx", "tiny_idx", "12,000", "0.8750"]
    assert row.endswith("dvc repro report@tiny_idx")
    assert rest == "not evaluated yet: tiny_png"
    (folder / "report.html").write_text("")
    assert "metrics/runs/tiny_idx/report.html" in call("summary").stdout
