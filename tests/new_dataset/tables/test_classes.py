"""Columns of classes: by their names, or the only ones possible; otherwise none is guessed."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.tables import classes

N = 24


def column(*values):
    return [values[n % len(values)] for n in range(N)]


IDS = [str(n) for n in range(N)]
SEX, AGE = column("m", "m", "f"), column("40", "50", "60", "70")
ABC = column("a", "b", "c")


def one_hot(*names, one="1", zero="0"):
    return {
        name: [one if n % len(names) == at else zero for n in range(N)]
        for at, name in enumerate(names)
    }


def find(columns, *chosen):
    return classes.find({"id": IDS, **columns}, chosen, ["id"], "t.csv")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"sex": SEX, "dx": ABC, "dx_type": SEX, "age": AGE}, ("dx",)),
        ({"Width": SEX, "ClassId": ABC}, ("ClassId",)),
        ({"sex": SEX, "articleType": ABC, "season": AGE}, ("articleType",)),
        ({"what": ABC, "note": IDS}, ("what",)),
        ({"class_id": column("0", "1"), "class_name": column("x", "y")}, ("class_name",)),
        ({"label": ABC, "category": column("x", "y", "z"), "sex": SEX}, ("label",)),
        (one_hot("MEL", "NV", "BCC", one="1.0", zero="0.0"), ("MEL", "NV", "BCC")),
        (one_hot("healthy", "multiple_diseases", "rust"), ("healthy", "multiple_diseases", "rust")),
        ({"label": ABC, **one_hot("a", "b", "c")}, ("label",)),
        ({"note": IDS, **one_hot("x", "y", one="TRUE", zero="FALSE")}, ("x", "y")),
    ],
)
def test_columns_that_can_be_meant(columns, expected):
    assert find(columns).columns == expected


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"sex": SEX, "what": ABC}, "sex (m: 16, f: 8), what (a: 8, b: 8, c: 8)"),
        ({"diagnosis": ABC, "target": SEX}, "choose with --label COLUMN"),
        ({"masterCategory": SEX, "subCategory": ABC}, "choose with --label COLUMN"),
        ({"sex": SEX, **one_hot("a", "b", "c")}, "the one-hot columns a, b, c; sex (m: 16, f: 8)"),
        ({"label": AGE, **one_hot("a", "b", "c")}, "label and the one-hot columns a, b, c"),
        ({"label": IDS, "sex": SEX}, "label (another value in each row: 0, 1 and 22 more)"),
        ({"patient": ABC}, "patient (a: 8, b: 8, c: 8)"),
        ({"score": column("0.5", "1.5", "2")}, "score (0.5: 8, 1.5: 8, 2: 8)"),
        ({"label": column("a")}, "no column could be the classes"),
        (
            {"label": column("cat", "Cat ", "dog")},
            "the classes 'Cat ' and 'cat' of label differ in",
        ),
    ],
)
def test_what_is_not_clear_is_refused_with_counts(columns, message):
    with pytest.raises(DataError) as caught:
        find(columns)
    assert message in str(caught.value)


def test_a_chosen_column_is_taken():
    columns = {"sex": SEX, "label": ABC, **one_hot("x", "y", "z")}
    assert find(columns, "sex").names == ["f", "m"]
    assert find(columns, "z", "y", "x").names == ["z", "y", "x"]
    with pytest.raises(DataError, match=r"sex \(--label\) has values other than 0 and 1"):
        find(columns, "sex", "x")
    with pytest.raises(DataError, match="hold 0 and 1, and are not one-hot: 0 rows"):
        find(columns, "y", "x")


def test_numbers_are_in_their_order_and_empty_one_hot_columns_are_no_classes():
    assert find({"label": column("10", "9", "1")}).names == ["1", "9", "10"]
    found = find({**one_hot("a", "b"), "UNK": column("0")})
    assert found.names == ["a", "b"]
    assert str(found) == "the one-hot columns a, b, UNK; no image is of UNK"


def test_letters_may_differ_in_case_alone():
    assert find({"label": column("a", "A", "b")}).names == ["A", "a", "b"]


def test_a_finding_among_findings_is_multi_label():
    """As CheXpert's, with -1 where it is not sure, and nothing where nothing is said."""
    columns = {
        "No Finding": ["1.0", "", "0.0", ""],
        "Edema": ["", "-1.0", "1.0", ""],
        "Fracture": ["0.0", "1.0", "1.0", ""],
        "sex": ["m", "f", "m", "f"],
    }
    with pytest.raises(DataError, match=r"No Finding, Edema, Fracture hold 0 and 1, and are multi"):
        classes.find(columns, (), (), "t.csv")
    assert classes.find(columns, ("sex",), (), "t.csv").names == ["f", "m"]
