import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.models import history

HEADER = "epoch,train_loss,validation_loss\n"


def test_columns_without_values_are_left_out(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(HEADER + "1,0.5,\n2,0.25,\n")
    found = history.read(path)
    assert list(found) == ["epoch", "train_loss"]
    np.testing.assert_array_equal(found["train_loss"], [0.5, 0.25])


def test_one_that_is_missing_or_without_epochs_is_named(tmp_path):
    path = tmp_path / "history.csv"
    with pytest.raises(DataError, match=r"history\.csv is missing; run the train stage"):
        history.read(path)
    path.write_text(HEADER)
    with pytest.raises(DataError, match=r"history\.csv has no epochs"):
        history.read(path)


@pytest.mark.parametrize(
    "rows",
    ["\u0661,0.5,\n", "1,1_0,\n", "1,\0,\n", "1, 0.5,\n", "1,-0.5,\n", "1,1e999,\n", "1,0x1,\n"],
)
def test_what_no_training_writes_is_refused(tmp_path, rows):
    path = tmp_path / "history.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(
        DataError, match=r"history\.csv is damaged \(it has values that are not fin"
    ):
        history.read(path)


def test_other_columns_and_accuracies_are_refused(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,train\x1b[2Jloss\n1,0.5\n")
    with pytest.raises(DataError, match="its columns have other names"):
        history.read(path)
    path.write_text("epoch,train_accuracy\n1,1.5\n")
    with pytest.raises(DataError, match="an accuracy above 1"):
        history.read(path)


def test_a_column_that_lacks_is_the_files_fault(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(HEADER + "1,0.5,\n")
    found = history.read(path)
    assert "validation_loss" not in found
    for name in ("validation_loss", "train_accuracy"):
        with pytest.raises(DataError, match=rf"history\.csv has no column {name}"):
            found[name]
