import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from pipeline.evaluate.calibration import bins, expected_calibration_error
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
    filled = bins(made, count)
    confidence = made.probabilities.max(axis=1)
    error = sum(b.n * abs(b.accuracy - b.confidence) for b in filled) / len(confidence)
    correct = made.predicted == made.labels
    assert error == pytest.approx(expected_calibration_error(confidence, correct, count))
    assert sum(b.n for b in filled) == len(confidence)


def test_bins_are_scikit_learns():
    made = predictions()
    filled = bins(made, 10)
    right, sure = calibration_curve(
        made.predicted == made.labels, made.probabilities.max(axis=1), n_bins=10
    )
    np.testing.assert_allclose([b.accuracy for b in filled], right)
    np.testing.assert_allclose([b.confidence for b in filled], sure)


def test_empty_bins_are_left_out_and_an_edge_belongs_to_the_bin_below():
    made = Predictions(
        ["a", "b"], np.int32([0, 0]), np.int32([0, 1]), np.float32([[0.5, 0.5], [0, 1]])
    )
    assert bins(made, 4) == [(0.25, 0.5, 1, 0.5, 1.0), (0.75, 1.0, 1, 1.0, 0.0)]


def reference_ece(confidence, correct, bins):
    """Return the error by its definition, bin by bin."""
    total = 0.0
    for m in range(1, bins + 1):
        inside = [
            i
            for i, c in enumerate(confidence)
            if (m - 1) / bins < c <= m / bins or (m == 1 and c == 0)
        ]
        if inside:
            accuracy = sum(bool(correct[i]) for i in inside) / len(inside)
            mean = sum(float(confidence[i]) for i in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(accuracy - mean)
    return total


@pytest.mark.parametrize("bins", [1, 2, 15, 1000])
def test_calibration_error_is_as_defined(bins):
    rng = np.random.default_rng(3)
    confidence = rng.random(400)
    correct = rng.random(400) < confidence**2
    found = expected_calibration_error(confidence, correct, bins)
    assert found == pytest.approx(reference_ece(confidence, correct, bins), abs=1e-12)


def test_calibration_error_by_hand():
    # (0.25, 0.5]: 0.5, right. (0.75, 1]: 0.875 wrong, 1.0 right: accuracy 1/2, confidence 15/16.
    confidence, correct = np.array([0.5, 0.875, 1.0]), np.array([True, False, True])
    found = expected_calibration_error(confidence, correct, 4)
    assert found == pytest.approx(1 / 3 * 0.5 + 2 / 3 * 7 / 16)


def test_calibration_bins_are_closed_on_the_right():
    # Were 0.5 in (0.5, 1], the gaps of +0.5 and -0.5 would cancel out.
    confidence, correct = np.array([0.5, 0.5 + 2**-40]), np.array([True, False])
    assert expected_calibration_error(confidence, correct, 2) == pytest.approx(0.5)
