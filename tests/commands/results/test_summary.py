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
    lines = call("summary").stdout.splitlines()
    assert lines[0].split()[:3] == ["run", "dataset", "validation"]
    assert lines[1].split()[:2] == ["tiny_idx", "tiny_idx"]
    assert "0.8750" in lines[1].split("|")[1]
    assert lines[1].endswith("dvc repro report@tiny_idx")
    assert "tiny_idx: its accuracy 87.50% may be no better than always answering" in lines[-2]
    assert lines[-1] == "not evaluated yet: tiny_png"
    (folder / "report.html").write_text("")
    assert "metrics/runs/tiny_idx/report.html" in call("summary").stdout
