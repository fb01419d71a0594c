"""Tables as text, and their rows of images."""

import pytest

from pipeline.core.errors import DataError
from pipeline.extract.tables import LabelFile
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.tables.table import Table
from tests.support.builders import labels_csv

NAMES = ["1.png", "2.png"]


def table(tmp_path, rows=(("1", "a"), ("2", "b")), header=("id", "label"), **choices):
    path = labels_csv(tmp_path / "t.csv", rows, header)
    return Table([(LabelFile(file="t.csv"), path)], NAMES, Choices(**choices))


def test_rows_of_images_and_columns_with_names(tmp_path):
    found = table(tmp_path, [("0", "2", "a"), ("1", "3", "b")], ("", "id", "label"))
    assert list(found.columns) == ["id", "label"]
    assert [found.row(name) for name in ("1.png", "2.png", "x")] == [-1, 0, -1]
    assert found.extract() == "t.csv"


@pytest.mark.parametrize("option", ["id", "group", "subset", "label"])
def test_a_chosen_column_must_be_there(tmp_path, option):
    value = ("x",) if option == "label" else "x"
    with pytest.raises(
        DataError, match=rf"t.csv: has no column x \(--{option}\); it has: id, label"
    ):
        table(tmp_path, **{option: value})


def test_errors_name_the_published_file(tmp_path):
    with pytest.raises(DataError, match=r"^t.csv: has no rows below its header"):
        table(tmp_path, [])


def test_what_a_file_is_like_is_proposed(tmp_path):
    form = LabelFile(file="t.txt", separator=";", header=False)
    found = Table(
        [(form, b"1;a\n2;b\n"), (LabelFile(file="u.csv"), b"column_1\n")], NAMES, Choices()
    )
    assert found.extract() == [{"file": "t.txt", "separator": ";", "header": False}, "u.csv"]
