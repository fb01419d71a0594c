import numpy as np
import pytest

from pipeline.report.sections.measured import confusion
from tests.support import reports


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_cells_have_counts_and_both_rates():
    reports.make(classes=("cat", "dog"), n=8, validation=False, wrong=1)
    rows = confusion.matrix(reports.results()).rows
    assert rows[1] == {
        "actual": "cat", "predicted": "dog", "count": 1, "recall": 0.5, "precision": 1 / 3,
    }  # fmt: skip
    assert len(rows) == 4


def test_a_class_without_test_images_has_rates_of_zero():
    reports.make(classes=("cat", "dog", "emu", "yak"), n=7, validation=False, wrong=1)
    rows = confusion.matrix(reports.results()).rows
    assert {row["recall"] for row in rows if row["actual"] == "yak"} == {0}


def test_of_many_cells_only_those_with_images_are_there():
    reports.make(classes=tuple(f"class {number}" for number in range(30)), n=90, wrong=2)
    rows = confusion.matrix(reports.results()).rows
    assert len(rows) == np.count_nonzero(reports.results().confusion) < 900
