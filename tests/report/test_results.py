import numpy as np
import pytest

from pipeline.report.plots import NAMED_CLASSES
from tests.support import reports


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_of_too_many_classes_those_with_the_most_mistakes_are_shown():
    classes = tuple(f"class {number}" for number in range(120))
    reports.make(classes=classes, n=240, wrong=15)
    results = reports.results()
    assert len(results.shown) == NAMED_CLASSES
    assert results.shown == sorted(results.shown)
    assert set(range(16)) < set(results.shown)  # the first 15 are taken for the next class


def test_confusions_are_off_the_diagonal_the_most_frequent_first():
    reports.make(wrong=7)
    results = reports.results()
    assert results.confusions == [("cat", "dog", 3), ("dog", "emu", 2), ("emu", "cat", 2)]
    assert np.trace(results.confusion) + 7 == results.confusion.sum()


def test_without_mistakes_there_are_no_confusions():
    reports.make(wrong=0)
    assert reports.results().confusions == []


def test_samples_are_the_first_training_images():
    reports.make()
    rows = {name: rows.tolist() for name, rows in reports.results().samples()}
    assert rows == {"cat": [30, 33], "dog": [31, 34], "emu": [32, 35]}
