"""Advice on made-up curves of each kind, and on none."""

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.evaluate.advice import advice, warnings
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import evaluate, validated
from pipeline.evaluate.predictions import Predictions
from pipeline.models import history
from pipeline.models.history import EarlyStopping, Stopped
from tests.support.builders import ROOT

CLASSES = tuple("abcdefghij")
MANY = dict.fromkeys(CLASSES, 5000)


def curves(loss, accuracy, validation=None):
    """Return columns of a history; ``validation`` are its losses and accuracies."""
    columns = {"epoch": np.arange(1, len(loss) + 1), "train_loss": loss, "train_accuracy": accuracy}
    if validation:
        columns |= {"validation_loss": validation[0], "validation_accuracy": validation[1]}
    return {name: np.array(values, np.float64) for name, values in columns.items()}


def measured(columns, test, train=None, n=1000, stopped=None):
    """Return an evaluation with these accuracies, of ten classes that are as large."""
    labels = (np.arange(n) % 10).astype(np.int32)
    predicted = np.where(np.arange(n) // 10 < test * n / 10, labels, (labels + 1) % 10)
    shares = np.eye(10, dtype=np.float32)[predicted]
    predictions = Predictions(list(map(str, range(n))), labels, predicted.astype(np.int32), shares)
    held = validated(columns, stopped or Stopped(), 1000)
    last = float(columns["train_accuracy"][-1]) if train is None else train
    return evaluate(predictions, CLASSES, last, 15, held)


FALLING = [2.0, 1.2, 0.8, 0.6, 0.5, 0.45]
RISING = [0.3, 0.6, 0.75, 0.8, 0.85, 0.93]


def test_a_run_that_learned_gets_no_advice():
    columns = curves(FALLING, RISING, (FALLING, RISING))
    assert advice(columns, measured(columns, 0.91), MANY) == []
    assert warnings(columns, measured(columns, 0.91), MANY) == []


@pytest.mark.parametrize("run", ["fashion_mnist", "fashion_mnist_best", "fashion_mnist_fast"])
def test_committed_runs_that_learned_get_none(run):
    folder = ROOT / paths.metrics(run)
    found = Evaluation.read(folder / "evaluation.json")
    assert advice(history.read(folder / "history.csv"), found) == []


@pytest.mark.parametrize(
    ("loss", "accuracy", "sign"),
    [
        ([30, 2.31, 2.3, 2.3], [0.1, 0.1, 0.1, 0.1], "began at 30.00 and came no further than"),
        ([9, 8, 7, 7.5], [0.1, 0.1, 0.1, 0.1], "no further than 7.00, where a guess has 2.30"),
        ([2, 1, 1.5, 2.2], [0.3, 0.6, 0.4, 0.2], "rose from 1.00 to 2.20"),
        ([2, 1, 1.3, 0.9, 1.2, 1.0], [0.3, 0.6, 0.5, 0.6, 0.5, 0.6], "jumped up in 2 of 6 epochs"),
    ],
)
def test_a_learning_rate_that_is_too_high(loss, accuracy, sign):
    columns = curves(loss, accuracy)
    [found] = advice(columns, measured(columns, 0.1), MANY)
    assert found.kind == "learning rate"
    assert sign in found.sign
    assert "lower train.optimizer.learning_rate" in str(found)


def test_a_loss_that_trembles_near_nothing_is_no_fault():
    columns = curves([1, 0.1, 0.01, 0.02, 0.01, 0.03], [0.5, 0.9, 0.99, 0.99, 1, 1])
    assert advice(columns, measured(columns, 0.99), MANY) == []


def test_overfitting_by_the_gap():
    columns = curves(FALLING, [*RISING[:-1], 0.99], ([2, 1.5, 1.3, 1.2, 1.2, 1.2], [0.7] * 6))
    [found] = advice(columns, measured(columns, 0.69), MANY)
    assert found.kind == "overfitting"
    assert found.sign == "it recognizes 99% of its training images, 70% of the validation images"
    assert "train.early_stopping" in found.remedy


def test_overfitting_by_a_validation_loss_that_rises():
    columns = curves(FALLING, [*RISING[:-1], 0.97], ([1, 0.5, 0.4, 0.5, 0.6, 0.7], [0.9] * 6))
    assert [one.kind for one in advice(columns, measured(columns, 0.9), MANY)] == ["overfitting"]
    stopped = Stopped(early_stopping=EarlyStopping(patience=3))
    assert advice(columns, measured(columns, 0.9, stopped=stopped), MANY) == []


def test_overfitting_without_a_validation_subset():
    columns = curves(FALLING, [*RISING[:-1], 0.99])
    [found] = advice(columns, measured(columns, 0.6), MANY)
    assert found.sign.endswith("60% of the test images")
    assert "early_stopping" not in found.remedy


def test_too_few_images():
    columns = curves(FALLING, [*RISING[:-1], 0.99], (FALLING, [0.5] * 6))
    found = advice(columns, measured(columns, 0.5), MANY | {"c": 12})
    assert [one.kind for one in found] == ["few images"]
    assert "12 training images of its smallest class" in found[0].sign
    assert [one.kind for one in advice(columns, measured(columns, 0.5))] == ["overfitting"]


def test_too_few_test_images():
    columns = curves(FALLING, RISING)
    [found] = advice(columns, measured(columns, 0.9, n=10), MANY)
    assert (found.kind, found.remedy) == ("few images", "keep more images for the test (split)")


def test_underfitting_that_was_still_learning():
    columns = curves([2.2, 2.0, 1.8], [0.2, 0.3, 0.4])
    [found] = advice(columns, measured(columns, 0.4), MANY)
    assert str(found) == (
        "it was still learning after 3 epochs, 40% of its training images: raise train.epochs"
    )
    columns = curves([2.2], [0.2])
    assert [one.remedy for one in advice(columns, measured(columns, 0.2))] == ["raise train.epochs"]


def test_underfitting_that_has_ended():
    columns = curves([2.2, 1.9, 1.85, 1.85, 1.85], [0.2, 0.4, 0.42, 0.42, 0.42])
    [found] = advice(columns, measured(columns, 0.4), MANY)
    assert found.kind == "underfitting"
    assert "larger network" in found.remedy


def test_early_stopping_is_not_told_to_go_on():
    columns = curves([2.2, 2.0, 1.8], [0.2, 0.3, 0.4], ([2.0, 2.1, 2.2], [0.4, 0.38, 0.37]))
    stopped = Stopped(early_stopping=EarlyStopping(patience=2))
    [found] = advice(columns, measured(columns, 0.4, stopped=stopped), MANY)
    assert "larger network" in found.remedy


def test_a_run_that_is_no_better_than_a_guess_is_warned_of():
    columns = curves([2.3, 2.3, 2.3, 2.3], [0.1, 0.1, 0.11, 0.1])
    lines = warnings(columns, measured(columns, 0.1), MANY)
    assert lines[0] == "its accuracy 10.00% is no better than always answering a, 10.00%"
    assert len(lines) == 2
    assert "does not get better" in lines[1]


def test_where_curves_say_nothing_labels_are_to_be_looked_at():
    columns = curves(FALLING, RISING, (FALLING, RISING))
    [_, line] = warnings(columns, measured(columns, 0.1), MANY)
    assert "do they belong to their labels?" in line
