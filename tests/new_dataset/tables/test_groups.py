import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.tables import groups

N = 48


def column(different):
    return [f"v{n % different}" for n in range(N)]


def find(columns, chosen=None):
    return groups.find(columns, ["label"], chosen, "t.csv")


def test_the_coarsest_column_of_groups_is_taken():
    columns = {"lesion_id": column(24), "label": column(12), "Patient ID": column(12)}
    found = find(columns)
    assert found.column == "Patient ID"
    assert found.notes("") == ["images of the same Patient ID stay in one subset"]
    assert find(columns, "lesion_id").column == "lesion_id"


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        (column(4), ["the column patient has only 4 values, and is not taken for groups (--group"]),
        (column(N), []),
        (column(1), []),
    ],
)
def test_columns_that_make_no_groups_are_told(values, notes):
    found = find({"patient": values})
    assert found.column == ""
    assert [note[: len(start)] for note, start in zip(found.notes(""), notes, strict=True)] == notes


def test_a_chosen_column_must_group():
    with pytest.raises(DataError, match=r"column x \(--group\) has one value, and makes no groups"):
        find({"x": ["", *column(1)[1:]]}, "x")


@pytest.mark.parametrize("chosen", [None, "patient"])
def test_empty_values_are_told(chosen):
    found = find({"patient": ["", "", *column(12)[2:]]}, chosen)
    assert found.column == "patient"
    assert found.notes("")[0] == (
        "the column patient is empty in 2 rows: each is taken for a group of its own"
    )
