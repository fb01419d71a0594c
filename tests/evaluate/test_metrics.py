import json
import math

import numpy as np
import pytest
from sklearn import metrics

from pipeline.core.errors import DataError
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import accuracy_interval, cross_entropy, evaluate
from pipeline.evaluate.predictions import Predictions

CLASSES = ("T-shirt/top", "a.b", "€ $", "never")


def predict(probabilities, labels):
    probabilities = np.asarray(probabilities, np.float32)
    return Predictions(
        [f"test-{row}" for row in range(len(labels))],
        np.asarray(labels, np.int32),
        probabilities.argmax(axis=1).astype(np.int32),
        probabilities,
    )


@pytest.fixture
def many():
    """Return 500 predictions for 4 classes; the last neither occurs nor is predicted."""
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 500)
    logits = rng.normal(size=(500, 4)) + 1.5 * np.eye(4)[labels]
    logits[:, 3] = -30
    return predict(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels)


def test_everything_agrees_with_scikit_learn(many):
    found = evaluate(many, CLASSES, 0.75, 15).model_dump()
    assert found["n"] == 500
    assert found["train_accuracy"] == 0.75
    assert found["accuracy"] == metrics.accuracy_score(many.labels, many.predicted)
    loss = metrics.log_loss(many.labels, many.probabilities, labels=range(4))
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    report = metrics.classification_report(
        many.labels,
        many.predicted,
        labels=range(4),
        target_names=CLASSES,
        output_dict=True,
        zero_division=0,
    )
    for name in CLASSES:
        scores = found["classes"][name]
        assert scores["f1"] == report[name]["f1-score"]
        assert scores["precision"] == report[name]["precision"]
        assert scores["recall"] == report[name]["recall"]
        assert scores["support"] == report[name]["support"]
    low, high = found["accuracy_interval"]["low"], found["accuracy_interval"]["high"]
    assert low < found["accuracy"] < high


def test_precision_recall_and_f1_by_hand():
    one_hot = np.eye(4)[[0, 0, 0, 1, 2]]
    found = evaluate(predict(one_hot, [0, 0, 1, 1, 1]), CLASSES, 1, 15).model_dump()["classes"]
    assert found["T-shirt/top"] == {
        "precision": 2 / 3,
        "recall": 1,
        "f1": pytest.approx(0.8),
        "support": 2,
    }
    assert found["a.b"]["recall"] == 1 / 3
    assert found["never"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}


def test_the_result_is_plain_json(many, tmp_path):
    found = evaluate(many, CLASSES, 0.5, 15)
    found.write(tmp_path / "evaluation.json")
    text = (tmp_path / "evaluation.json").read_text(encoding="utf-8")
    assert json.loads(text) == found.model_dump()
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert Evaluation.read(tmp_path / "evaluation.json") == found


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (9013, 10_000), (1, 1), (57, 123)])
def test_wilsons_interval_solves_its_equation(hits, n):
    z, share = 1.959963984540054, hits / n  # the normal distribution's 0.975 quantile
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    found = accuracy_interval(hits, n)
    assert found.low == pytest.approx(centre - half, abs=1e-12)
    assert found.high == pytest.approx(centre + half, abs=1e-12)


def test_loss_by_hand():
    found = cross_entropy(predict([[0.5, 0.5], [0.25, 0.75]], [0, 1]))
    assert found == pytest.approx(-(math.log(0.5) + math.log(0.75)) / 2, rel=1e-15)


def test_a_probability_that_underflowed_has_a_finite_loss():
    assert cross_entropy(predict([[1, 0]], [1])) == pytest.approx(126 * math.log(2))


def test_a_perfect_model():
    found = evaluate(predict(np.eye(3), [0, 1, 2]), CLASSES[:3], 1.0, 15)
    assert (found.accuracy, found.loss, found.expected_calibration_error) == (1, 0, 0)


def test_no_predictions_are_an_error():
    with pytest.raises(DataError, match="the test subset is empty"):
        evaluate(predict(np.empty((0, 4)), []), CLASSES, 0, 15)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_probabilities_that_are_not_finite_are_an_error(many, value):
    many.probabilities[[3, 9], 1] = value
    with pytest.raises(DataError, match="no finite probabilities for 2 of 500 test images"):
        evaluate(many, CLASSES, 0, 15)
