import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from pipeline.evaluate import calibration
from pipeline.evaluate import calibration as metrics
from pipeline.evaluate.predictions import Predictions


def predictions(n=500, classes=4, seed=0):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), n).astype(np.float32)
    labels = random.integers(0, classes, n).astype(np.int32)
    predicted = probabilities.argmax(axis=1).astype(np.int32)
    return Predictions([str(row) for row in range(n)], labels, predicted, probabilities)


@pytest.mark.parametrize("count", [1, 7, 15])
def test_bins_are_those_of_the_expected_calibration_error(count):
    made = predictions()
    bins = calibration.bins(made, count)
    confidence = made.probabilities.max(axis=1)
    error = sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / len(confidence)
    correct = made.predicted == made.labels
    expected = metrics.expected_calibration_error(confidence, correct, count)
    assert error == pytest.approx(expected)
    assert sum(b.n for b in bins) == len(confidence)


def test_bins_are_scikit_learns():
    made = predictions()
    bins = calibration.bins(made, 10)
    right, sure = calibration_curve(
        made.predicted == made.labels, made.probabilities.max(axis=1), n_bins=10
    )
    np.testing.assert_allclose([b.accuracy for b in bins], right)
    np.testing.assert_allclose([b.confidence for b in bins], sure)


def test_empty_bins_are_left_out_and_an_edge_belongs_to_the_bin_below():
    made = Predictions(
        ["a", "b"], np.int32([0, 0]), np.int32([0, 1]), np.float32([[0.5, 0.5], [0, 1]])
    )
    assert calibration.bins(made, 4) == [(0.25, 0.5, 1, 0.5, 1.0), (0.75, 1.0, 1, 1.0, 0.0)]
