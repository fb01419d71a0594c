from pathlib import Path

from pipeline.compare import changes

HISTORY = "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy\n"
CONFUSION = "actual,predicted\n"


def side(folder, history, confusion):
    """Write one side's files of the run ``a``; return what finds them."""
    run = folder / "metrics/runs/a"
    run.mkdir(parents=True)
    (run / "history.csv").write_text(HISTORY + history)
    (run / "confusion.csv").write_text(CONFUSION + confusion)
    return lambda path: folder / path if (folder / path).exists() else None


def test_curves_and_matrix_stand_side_by_side(tmp_path):
    before = side(
        tmp_path / "b", "1,2.0,0.5,1.5,0.25\n2,1.0,0.75,,\n", "cat,cat\ncat,dog\ndog,dog\n"
    )
    after = side(tmp_path / "a", "1,1.0,0.5,1.5,0.5\n", "cat,cat\ncat,cat\ndog,dog\n")
    shown = changes.describe(["a"], before, after).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown]
    assert [
        "epoch",
        "train loss",
        "validation loss",
        "train accuracy",
        "validation accuracy",
    ] in cells
    assert [
        "1",
        "2.0000 → 1.0000",
        "1.5000 → 1.5000",
        "0.5000 → 0.5000",
        "0.2500 → 0.5000",
    ] in cells
    assert ["2", "1.0000 → –", "– → –", "0.7500 → –", "– → –"] in cells
    assert ["", "cat", "dog"] in cells
    assert ["cat", "1 → 2", "1 → 0"] in cells
    assert ["dog", "0", "1"] in cells


def test_what_did_not_change_is_not_shown(tmp_path):
    same = [side(tmp_path / n, "1,2,0.5,1,0.5\n", "cat,cat\n") for n in "ab"]
    said = "No curve and no confusion matrix changed."
    assert changes.describe(["a", "b"], *same) == said


def test_a_new_run_has_no_before(tmp_path):
    after = side(tmp_path, "1,2,0.5,1,0.5\n", "cat,cat\n")
    shown = changes.describe(["a"], lambda path: None, after)
    assert "– → 2.0000" in shown
    assert "0 → 1" in shown


def test_the_committed_metrics_can_be_read():
    root = Path(__file__).parents[2]
    shown = changes.describe(["demo_idx"], lambda path: None, lambda path: root / path)
    assert "– → 0." in shown
    assert "Ankle boot" in shown
