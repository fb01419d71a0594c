import csv
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from pipeline.core.errors import DataError
from pipeline.evaluate import confusion
from pipeline.evaluate.predictions import Predictions

NAMES = ('comma, "quoted"', "two words", "naïve")
EYE = np.eye(3, dtype=np.float32)
LABELS, PREDICTED = np.array([[0, 1, 2], [0, 1, 0]], np.int32)
THREE = Predictions(["a", "b", "c"], LABELS, PREDICTED, EYE[[0, 1, 0]])


def test_there_is_one_row_an_image(tmp_path):
    path = tmp_path / "confusion.csv"
    confusion.write(path, THREE, NAMES)
    assert b"\r" not in path.read_bytes()
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = [(NAMES[0], NAMES[0]), (NAMES[1], NAMES[1]), (NAMES[2], NAMES[0])]
    assert [(row["actual"], row["predicted"]) for row in rows] == expected
    assert list(pd.read_csv(path).columns) == ["actual", "predicted"]
    assert confusion.read(path) == Counter(expected)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"actual\n",
        b"actual,predicted,more\na,b,c\n",
        b"actual,predicted\na\n",
        b"actual,predicted\na,b,c\n",
        b"actual,predicted\n\xff,b\n",
        b"actual,predicted\na\x1b[2J,b\n",
        b"actual,predicted\na,b\0\n",
        "actual,predicted\na,b\u202e\n".encode(),
        b'actual,predicted\na,"b\nc"\n',
        b'actual,predicted\n"a,b\n',
        b"actual,predicted\n" + b"a" * 200_000 + b",b\n",
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "confusion.csv"
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=r"confusion\.csv is damaged \(.+\); evaluate again"
    ) as raised:
        confusion.read(path)
    assert str(raised.value).isprintable()


def test_too_many_pairs_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "confusion.csv"
    monkeypatch.setattr(confusion, "MOST_PAIRS", 2)
    path.write_text("actual,predicted\na,a\na,a\na,b\n")
    assert confusion.read(path) == {("a", "a"): 2, ("a", "b"): 1}
    path.write_text("actual,predicted\na,a\na,b\nb,a\n")
    with pytest.raises(DataError, match="more than 2 pairs"):
        confusion.read(path)


def test_classes_are_text_to_dvcs_page_and_to_a_spreadsheet(tmp_path):
    path, classes = tmp_path / "confusion.csv", ("</script><script>alert(1)</script>", "=1+1")
    labels, probabilities = np.int32([0, 1]), np.float32([[0.9, 0.1], [0.2, 0.8]])
    predictions = Predictions(["0", "1"], labels, labels, probabilities)
    confusion.write(path, predictions, classes)
    assert path.read_text(encoding="utf-8").splitlines()[1:] == [
        ",".join(["‹/script>‹script>alert(1)‹/script>"] * 2),
        "'=1+1,'=1+1",
    ]
