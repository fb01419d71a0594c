import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from pipeline.evaluate.baseline import baseline, fault
from pipeline.evaluate.metrics import evaluate
from tests.evaluate.test_metrics import predict

CLASSES = ("cat", "dog", "emu")


def measured(labels, predicted):
    return evaluate(predict(np.eye(3)[predicted], labels), CLASSES, 0.5, 15)


def test_it_agrees_with_scikit_learns_dummies():
    labels = np.repeat([2, 0, 1], [30, 50, 20])
    found = baseline(measured(labels, np.zeros(100, int)))
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros(100), labels)
    assert found.majority == dummy.score(np.zeros(100), labels)
    assert found == (1 / 3, 0.5, "cat")
    assert found.describe() == "chance would give 33.33%, and always answering cat 50.00%"


def test_of_classes_that_are_as_large_the_first_by_name_counts():
    assert baseline(measured([2, 2, 1, 1], [0] * 4)).majority_class == "dog"


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (10, "its accuracy 10.00% is no better than always answering cat, 50.00%"),
        (50, "its accuracy 50.00% is no better than always answering cat, 50.00%"),
        (
            55,
            "its accuracy 55.00% may be no better than always answering cat, 50.00%: on 100 test "
            "images the 95% interval begins at 45.24%",
        ),
        (65, ""),
        (100, ""),
    ],
)
def test_a_fault_is_told_until_the_interval_lies_above(right, said):
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    predicted = np.where(np.arange(100) < right, labels, (labels + 1) % 3)
    assert fault(measured(labels, predicted)) == said
