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
