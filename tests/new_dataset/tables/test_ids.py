"""Columns of images' names, and the form in which they stand there."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.tables import ids
from pipeline.new_dataset.tables.ids import Rule

NAMES = [f"scans/{n}.png" for n in range(40)]


def find(columns, names=NAMES, chosen=None):
    return ids.find(columns, names, chosen, "t.csv")


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("{}.png", Rule("name")),
        ("scans/{}.png", Rule("path")),
        ("C:\\x\\{}.png", Rule("end")),
        ("./{}.png", Rule("end")),
        ("{}.PNG", Rule("end", ("case",))),
        ("{}", Rule("stem")),
        ("{}.dcm", Rule("end", ("suffix",))),
        ("x/{}.DCM", Rule("end", ("suffix",))),
        ("{}.JPEG", Rule("end", ("suffix",))),
    ],
)
def test_the_strictest_form_is_found(value, rule):
    found = find({"sex": ["m", "f"] * 20, "f": [value.format(39 - n) for n in range(40)]})
    assert (found.column, found.rule) == ("f", rule)
    assert found.rows.tolist() == list(range(39, -1, -1))


PADDED = [f"scans/{n:03d}.png" for n in range(40)]


@pytest.mark.parametrize("form", ["{}", "{}.0", "{}.png"])
def test_numbers_that_lost_their_zeros_are_found(form):
    columns = {"image": [form.format(39 - n) for n in range(40)], "label": ["a", "b"] * 20}
    found = find(columns, PADDED)
    assert (found.column, found.rule) == ("image", Rule("end", ("suffix", "zeros")))
    assert found.rows.tolist() == list(range(39, -1, -1))


@pytest.mark.parametrize(
    "columns",
    [
        {"n": [str(n) for n in range(40)]},
        {"patient_id": [str(n) for n in range(40)]},
        {"id": [str(n) for n in range(40)], "file": [f"x{n}.png" for n in range(40)]},
    ],
)
def test_numbers_that_may_be_those_of_rows_are_not_taken_unsaid(columns):
    (name, *_) = columns
    with pytest.raises(DataError, match=f"{name} may have the images' names .*say --id {name}"):
        find(columns, PADDED)
    assert find(columns, PADDED, name).found == 40


def test_numbers_that_a_spreadsheet_rounded_are_told():
    with pytest.raises(DataError, match=r"id has numbers that a spreadsheet rounded, .*as text"):
        find({"id": ["1.23E+12", "1.24E+12"]}, ["1230000000001.png", "1240000000002.png"])


def test_names_in_another_form_of_unicode_are_found():
    names = [f"e\u0301{n}.png" for n in range(9)]
    found = find({"file": [f"\xe9{n}.png" for n in range(9)]}, names)
    assert found.rule == Rule("end", ("unicode",))
    assert find({"file": [f"\xe9{n}" for n in range(9)]}, names).found == 9


def test_file_names_come_before_row_numbers():
    columns = {"number": [str(39 - n) for n in range(40)], "x": [f"z/{n}.jpg" for n in range(40)]}
    found = find(columns)
    assert (found.column, found.rows.tolist()) == ("x", list(range(40)))


def test_a_column_called_id_comes_before_row_numbers():
    columns = {"n": [str(39 - n) for n in range(40)], "image_id": [str(n) for n in range(40)]}
    assert find(columns).column == "image_id"
    assert find(columns, chosen="n").column == "n"


def test_two_columns_that_say_something_else_are_refused():
    columns = {"a": [str(39 - n) for n in range(40)], "b": [str(n) for n in range(40)]}
    with pytest.raises(DataError, match="could stand in a or in b; choose with --id COLUMN"):
        find(columns)
    with pytest.raises(DataError, match="no column has the images' names, such as"):
        find({"a": ["x"]})


def test_a_name_without_suffix_of_two_images_is_told():
    found = find({"id": ["1", "2"]}, ["1.jpg", "1.png", "2.png"])
    assert found.rows.tolist() == [-1, -1, 1]
    assert found.ambiguous == ["1 (1.jpg or 1.png)"]


def test_too_many_columns_of_names_are_told():
    columns = {f"name {number}": NAMES for number in range(51)}
    with pytest.raises(DataError, match=r"could stand in 51 columns: name 0, .*--id COLUMN"):
        find(columns)
