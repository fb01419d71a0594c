import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.tables import division

N = 12


def column(*values):
    return [values[n % len(values)] for n in range(N)]


def find(columns, chosen=None, *, is_wanted=True):
    given = {"id": list(map(str, range(N))), **columns}
    return division.find(given, "id", chosen, "t.csv", is_wanted=is_wanted)


def test_a_column_of_subsets_is_taken():
    found = find({"sex": column("m", "f"), "x": column("Train", "training", "val")})
    assert (found.column, found.subsets[:3]) == ("x", ["train", "train", "validation"])
    assert found.notes == ["the column x names the subset of each image"]
    assert find({"x": column("train")}).column == ""


def test_a_division_that_is_not_taken_is_told():
    found = find({"fold": column("0", "1", "2"), "is_test": column("True", "False")})
    assert found.column == ""
    assert found.notes[0].startswith("the column fold (0, 1, 2) is not taken for a division; --sub")
    assert found.notes[1].startswith("the column is_test (False, True) is not taken for a division")
    found = find({"x": column("train", "test")}, is_wanted=False)
    assert (found.column, found.notes) == (
        "",
        ["the column x (test, train) is not taken for a division"],
    )


def test_a_division_of_most_images_is_refused():
    columns = {"split": column("train", "test", "train", "")}
    with pytest.raises(DataError, match=r"split names .* but not of 3 \(empty\); .*--subsets none"):
        find(columns)
    assert find(columns, is_wanted=False).column == ""


def test_divisions_that_differ_are_refused():
    columns = {"a": column("train", "test"), "b": column("train", "train", "test")}
    with pytest.raises(
        DataError, match=r"a and b divide the images .* choose with --subset COLUMN"
    ):
        find(columns)
    assert find(columns, "b").column == "b"
    with pytest.raises(DataError, match=r"column id \(--subset\) has values that are no subset"):
        find(columns, "id")
