import json
import math

import numpy as np
import pytest
from sklearn import metrics

from pipeline.core.errors import DataError
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import (
    accuracy_interval,
    cross_entropy,
    evaluate,
    top_accuracy,
    validated,
)
from pipeline.evaluate.predictions import Predictions
from pipeline.models.history import EarlyStopping, Stopped

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
    there = [0, 1, 2]  # the test subset lacks the last class
    macro = metrics.f1_score(many.labels, many.predicted, labels=there, average="macro")
    assert found["macro_f1"] == pytest.approx(macro, rel=1e-12)
    balanced = metrics.balanced_accuracy_score(many.labels, many.predicted)
    assert found["balanced_accuracy"] == pytest.approx(balanced, rel=1e-12)
    assert found["top_5_accuracy"] is None


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
    assert json.loads(text) == found.model_dump(exclude_none=True)
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


def drawn(classes, n=400):
    """Return predictions of so many classes, about a third of them right; no two shares equal."""
    rng = np.random.default_rng(classes)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 2 * np.eye(classes)[labels]
    return predict(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels)


@pytest.mark.parametrize("classes", [20, 37])
def test_of_many_classes_the_five_most_probable_count(classes):
    many = drawn(classes)
    found = evaluate(many, [f"class {label}" for label in range(classes)], 0.5, 15)
    expected = metrics.top_k_accuracy_score(
        many.labels, many.probabilities, k=5, labels=range(classes)
    )
    assert found.accuracy < found.top_5_accuracy < 1
    assert found.top_5_accuracy == expected
    assert found.headline()["top_5_accuracy"] == expected


def test_of_nineteen_classes_they_do_not():
    found = evaluate(drawn(19), [f"class {label}" for label in range(19)], 0.5, 15)
    assert found.top_5_accuracy is None
    assert "top_5_accuracy" not in found.headline()


def test_of_equal_shares_the_first_is_the_more_probable():
    assert top_accuracy(predict([[0.25] * 4] * 4, [0, 1, 2, 3]), 2) == 0.5
    assert top_accuracy(predict([[0, 0.5, 0.5, 0]] * 2, [3, 0]), 3) == 0.5


HISTORY = {
    "epoch": np.arange(1.0, 5),
    "validation_loss": np.array([0.9, 0.4, 0.5, 0.6]),
    "validation_accuracy": np.array([0.25, 0.5, 0.75, 0.5]),
}


@pytest.mark.parametrize(
    ("stopping", "accuracy", "loss"),
    [
        (None, 0.5, 0.6),
        (EarlyStopping(patience=9), 0.5, 0.4),
        (EarlyStopping(monitor="validation_accuracy"), 0.75, 0.5),
    ],
)
def test_validation_is_that_of_the_epoch_whose_weights_were_kept(stopping, accuracy, loss):
    found = validated(HISTORY, Stopped(early_stopping=stopping), 12)
    assert (found.accuracy, found.loss, found.n) == (accuracy, loss, 12)
    assert found.accuracy_interval == accuracy_interval(round(accuracy * 12), 12)


def test_without_a_validation_subset_there_is_no_key(many, tmp_path):
    assert validated({"epoch": np.array([1.0])}, Stopped(), 0) is None
    found = evaluate(many, CLASSES, 0.5, 15)
    found.write(tmp_path / "evaluation.json")
    assert "validation" not in json.loads((tmp_path / "evaluation.json").read_text())
    assert not any(key.startswith("validation") for key in found.headline())


def test_a_history_of_other_images_is_refused():
    with pytest.raises(DataError, match=r"validation accuracy 0\.5 is not one of 11 images"):
        validated(HISTORY, Stopped(), 11)


def test_the_headline_is_flat(many, tmp_path):
    found = evaluate(many, CLASSES, 0.5, 15, validated(HISTORY, Stopped(), 12))
    found.write_headline(tmp_path / "metrics.json")
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content == {
        "accuracy": found.accuracy,
        "balanced_accuracy": found.balanced_accuracy,
        "expected_calibration_error": found.expected_calibration_error,
        "loss": found.loss,
        "macro_f1": found.macro_f1,
        "validation_accuracy": 0.5,
        "validation_loss": 0.6,
    }


@pytest.fixture
def recorded(many, tmp_path):
    """Return what stands in ``evaluation.json``, and a function that reads it after changes."""
    path = tmp_path / "evaluation.json"
    evaluate(many, CLASSES, 0.5, 15, validated(HISTORY, Stopped(), 12)).write(path)
    content = json.loads(path.read_text())

    def read(**changes):
        path.write_text(json.dumps(content | changes))
        return Evaluation.read(path)

    return content, read


def test_files_of_earlier_versions_are_read(recorded, many):
    content, read = recorded
    for key in ("macro_f1", "balanced_accuracy", "validation"):
        del content[key]
    assert read() == evaluate(many, CLASSES, 0.5, 15)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"macro_f1": 0.1}, "macro_f1 is not that of its classes"),
        ({"balanced_accuracy": 0.1}, "balanced_accuracy is not that of its classes"),
        ({"top_5_accuracy": 0.0}, "top_5_accuracy is below accuracy"),
        ({"classes": 1}, "classes"),
        ({"validation": {"accuracy": 0.5}}, "validation"),
    ],
)
def test_files_that_contradict_themselves_are_refused(recorded, changes, fault):
    _, read = recorded
    with pytest.raises(DataError, match=fault):
        read(**changes)


def test_no_predictions_are_an_error():
    with pytest.raises(DataError, match="the test subset is empty"):
        evaluate(predict(np.empty((0, 4)), []), CLASSES, 0, 15)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_probabilities_that_are_not_finite_are_an_error(many, value):
    many.probabilities[[3, 9], 1] = value
    with pytest.raises(DataError, match="no finite probabilities for 2 of 500 test images"):
        evaluate(many, CLASSES, 0, 15)
