import pytest

from pipeline.compare import warnings
from pipeline.core.errors import DataError
from tests.compare.test_summary import measured

FAULT = "its accuracy 60.00% is no better than always answering cat, 60.00%"


@pytest.fixture
def curves(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,train_loss,train_accuracy\n1,9,0.5\n2,0.7,0.5\n3,0.7,0.5\n")
    return path


def test_with_curves_there_is_what_to_try(curves, tmp_path):
    fault, advice = warnings.read(measured(60), curves, tmp_path / "data.json")
    assert fault == FAULT
    assert "lower train.optimizer.learning_rate" in advice


def test_without_curves_there_is_the_fault_alone(tmp_path):
    assert warnings.read(measured(60), None, None) == [FAULT]
    assert warnings.read(measured(60), tmp_path / "history.csv", None) == [FAULT]


def test_a_run_that_learned_is_not_warned_of(curves):
    assert (
        warnings.read(measured(90), curves, None) == warnings.read(measured(90), None, None) == []
    )


def test_damaged_curves_are_named(curves):
    curves.write_text("epoch\n")
    with pytest.raises(DataError, match=r"history\.csv has no epochs"):
        warnings.read(measured(60), curves, None)
