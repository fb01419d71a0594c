import pytest

from pipeline.compare import changes

HISTORY = "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy\n"
CONFUSION = "actual,predicted\n"


def side(folder, history, confusion, evaluation="{}"):
    """Write one side's files of the run ``a``; return what finds them."""
    run = folder / "metrics/runs/a"
    run.mkdir(parents=True)
    (run / "history.csv").write_text(HISTORY + history)
    (run / "evaluation.json").write_text(evaluation)
    if confusion is not None:
        (run / "confusion.csv").write_text(CONFUSION + confusion)
    return lambda path: folder / path if (folder / path).exists() else None


def cells(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]


def test_curves_and_matrix_stand_side_by_side(tmp_path):
    before = side(
        tmp_path / "b", "1,2.0,0.5,1.5,0.25\n2,1.0,0.75,1.25,0.5\n", "cat,cat\ncat,dog\ndog,dog\n"
    )
    after = side(tmp_path / "a", "1,1.0,0.5,1.5,0.5\n", "cat,cat\ncat,cat\ndog,dog\n")
    shown = cells(changes.describe(["a"], before, after))
    for row in (
        ["epoch", "train loss", "validation loss", "train accuracy", "validation accuracy"],
        ["1", "2.0000 → 1.0000", "1.5000 → 1.5000", "0.5000 → 0.5000", "0.2500 → 0.5000"],
        ["2", "1.0000 → –", "1.2500 → –", "0.7500 → –", "0.5000 → –"],
        ["", "cat", "dog"],
        ["cat", "1 → 2", "1 → 0"],
        ["dog", "0", "1"],
    ):
        assert row in shown


def test_equal_sides_are_not_shown(tmp_path):
    same = [side(tmp_path / n, "1,2,0.5,1,0.5\n", "cat,cat\n") for n in "ab"]
    said = "No curve and no confusion matrix changed."
    assert changes.describe(["a", "b"], *same) == said


def test_a_new_run_has_no_before(tmp_path):
    after = side(tmp_path, "1,2,0.5,1,0.5\n", "cat,cat\n")
    shown = changes.describe(["a"], lambda path: None, after)
    assert "– → 2.0000" in shown
    assert "– → 1" in shown
    assert "missing" not in shown
    assert "1 → –" in changes.describe(["a"], after, lambda path: None)


@pytest.mark.parametrize(
    ("before", "after", "sides"),
    [(None, "cat,cat\n", "before"), ("cat,cat\n", None, "after"), (None, None, "before and after")],
)
def test_a_matrix_that_is_not_here_is_named_and_the_curves_are_shown(
    tmp_path, before, after, sides
):
    one = side(tmp_path / "b", "1,2,0.5,1,0.5\n", before, '{"loss": 2}')
    other = side(tmp_path / "a", "1,1,0.5,1,0.5\n", after, '{"loss": 1}')
    shown = changes.describe(["a"], one, other)
    assert "2.0000 → 1.0000" in shown
    assert shown.endswith(
        "The confusion matrices of a are not compared: metrics/runs/a/confusion.csv is missing "
        f"({sides}); dvc pull it"
    )


def test_equal_metrics_need_no_matrix(tmp_path):
    same = [side(tmp_path / n, "1,2,0.5,1,0.5\n", None) for n in "ab"]
    assert changes.describe(["a"], *same) == "No curve and no confusion matrix changed."
