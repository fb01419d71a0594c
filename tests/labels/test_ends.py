"""Ends of paths: an id fits the image that shares most of it, and several fitting ones none."""

import pytest

from pipeline.core.errors import DataError
from pipeline.labels import ends

NAMES = ["train/a/1.png", "train/b/1.png", "train/b/2.JPG"]


@pytest.mark.parametrize(
    ("ids", "ignore", "rows"),
    [
        (["a/1.png", "b/1.png", "2.JPG"], (), [0, 1, 2]),
        (["/data/x/b/2.JPG", "C:\\me\\b\\1.png", "./a/1.png"], (), [2, 1, 0]),
        (["a/1.png", "b/1.png", "2.jpg"], (), [0, 1, -1]),
        (["A/1.PNG", "b/1.png", "2.jpg"], ("case",), [0, 1, 2]),
        (["a/1", "b/1.tiff", "2"], ("suffix",), [0, 1, 2]),
        (["a/1", "B/1.tiff", "2.jpeg"], ("suffix", "case"), [0, 1, 2]),
        (["a/01", "b/1.0", "2E+0"], ("suffix", "zeros"), [0, 1, 2]),
        (["x/2.JPG", "b/2.JPG"], (), [-1, -1, 1]),
        (["", ".", "3.png"], ("suffix",), [-1, -1, -1]),
    ],
)
def test_an_id_is_of_the_image_that_shares_most_of_it(ids, ignore, rows):
    found = ends.match(NAMES, ids, ignore)
    assert found.rows.tolist() == rows
    assert not found.ambiguous


@pytest.mark.parametrize(
    ("names", "ids", "ignore", "words"),
    [
        (NAMES, ["1.png"], (), "1.png (train/a/1.png or train/b/1.png)"),
        (["a.jpg", "a.png"], ["a"], ("suffix",), "a (a.jpg or a.png)"),
        (["x/1.png"], ["a/1.png", "b/1.png"], (), "x/1.png (a/1.png or b/1.png)"),
        (["07.png", "7.png"], ["7"], ("suffix", "zeros"), "7 (07.png or 7.png)"),
        (["A.png", "a.png"], ["a.png"], ("case",), "a.png (A.png or a.png)"),
    ],
)
def test_what_fits_several_is_told(names, ids, ignore, words):
    found = ends.match(names, ids, ignore)
    assert found.ambiguous == [words]
    assert set(found.rows.tolist()) == {-1}


def test_names_are_the_same_in_both_forms_of_unicode():
    names = ["Ko\u0308ln/e\u0301.png", "K\xf6ln/\xe8.png"]
    ids = ["K\xf6ln/\xe9.png", "Ko\u0308ln/e\u0300.png"]
    assert ends.match(names, ids).rows.tolist() == [-1, -1]
    assert ends.match(names, ids, ("unicode",)).rows.tolist() == [0, 1]


def test_numbers_are_the_same_as_a_spreadsheet_writes_them():
    names = ["007.png", "0120.png", "1.5.png"]
    ids = ["7.0", "1.2E+2", "1.5"]
    assert ends.match(names, ids, ("suffix", "zeros")).rows.tolist() == [0, 1, 2]


def test_a_dot_within_a_name_is_no_suffix():
    names = ["scan.v2.png", "scan.v3.png"]
    assert ends.match(names, ["scan.v3", "scan.v2"], ("suffix",)).rows.tolist() == [1, 0]


def test_deep_paths_take_no_square_of_their_length():
    deep = "a/" * 20_000
    found = ends.match([f"{deep}1.png", "b/1.png"], [f"{deep}1.png", "x/b/1.png"])
    assert found.rows.tolist() == [0, 1]


def test_tables_of_far_more_rows_than_images_are_refused():
    ends.refuse_many(250_000, 1, "t.csv")
    ends.refuse_many(2_000_000, 100_000, "t.csv")
    with pytest.raises(DataError, match=r"t.csv: has 250,001 rows for 1 images, above 250,000 and"):
        ends.refuse_many(250_001, 1, "t.csv")
