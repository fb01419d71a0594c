"""One-hot columns: the name of the column that holds 1 is the class."""

import pytest

from pipeline.core.errors import DataError
from pipeline.labels import one_hot
from pipeline.labels.table import LabelColumns
from tests.support.builders import CLASSES, labels_csv

COLUMNS = LabelColumns(one_hot=CLASSES)


def read(path, rows, columns=COLUMNS, classes=CLASSES):
    return one_hot.read(labels_csv(path / "t.csv", rows, ("id", *CLASSES)), columns, classes)


@pytest.mark.parametrize(("one", "zero"), [("1", "0"), ("1.0", "0.0"), ("True", "FALSE")])
def test_the_name_of_the_column_is_the_class(tmp_path, one, zero):
    rows = [(str(n), *(one if n % 3 == k else zero for k in range(3))) for n in range(7)]
    found = read(tmp_path, rows)
    assert found.labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert found.ids.to_pylist() == [str(n) for n in range(7)]
    other = read(tmp_path, rows, classes=("dog", "emu", "cat"))
    assert other.labels.tolist() == [2, 0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("1", "1", "0"), r"1 rows have 1 in several of the one-hot columns \(multi-label\): b;"),
        (("0", "0", "0"), r"1 rows have 1 in none of the one-hot columns: b; mend"),
        (("2", "0", "0"), r"column cat .* values other than 0 and 1: '2'; mend"),
        (("", "0", "1"), r"column cat .* values other than 0 and 1: ''; mend"),
    ],
)
def test_rows_without_one_class_are_refused(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, [("a", "1", "0", "0"), ("b", *row)])


def test_a_class_that_is_not_declared_is_refused(tmp_path):
    rows = [("a", "1", "0", "0"), ("b", "0", "1", "0")]
    assert read(tmp_path, rows, classes=("cat", "dog")).labels.tolist() == [0, 1]
    with pytest.raises(DataError, match=r"unknown class 'dog'; declare it"):
        read(tmp_path, rows, classes=("cat", "x"))


def test_rows_that_may_be_without_an_image_may_be_without_a_class(tmp_path):
    columns = LabelColumns(one_hot=CLASSES, rows_without_image="ignore")
    rows = [("a", "1", "0", "0"), ("b", "1", "1", "0"), ("c", "0", "0", "0")]
    assert read(tmp_path, rows, columns).labels.tolist() == [0, -1, -1]
