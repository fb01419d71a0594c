"""Columns of tables: which are taken for ids, classes, subsets and groups."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.label_columns import Table
from tests.support.builders import labels_csv

NAMES = [f"scans/{n}.png" for n in range(40)]


def table(tmp_path, header, rows):
    return Table.read(labels_csv(tmp_path / "t.csv", rows, header))


def test_columns_are_known_by_what_they_hold(tmp_path):
    rows = [(f"x{n}", f"{n}.png", "ab"[n % 2], ("train", "val")[n % 2]) for n in range(40)]
    found = table(tmp_path, ("code", "file", "kind", "fold"), rows)
    assert [found.label(name) for name in NAMES[:3]] == ["a", "b", "a"]
    found.check(NAMES, "a.zip")
    assert found.decode() == {"labels": {"id": "file", "label": "kind", "match": "name"}}
    assert found.split() == {"column": "fold", "validation_fraction": None}
    assert found.classes() == {"a", "b"}


def test_whole_names_come_before_row_numbers(tmp_path):
    """A shuffled table with its index."""
    rows = [(str(39 - n), f"{n}.png", "ab"[n % 2]) for n in range(40)]
    found = table(tmp_path, ("number", "file", "label"), rows)
    assert [found.label(name) for name in NAMES[:3]] == ["a", "b", "a"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_table_that_is_not_utf_8_is_refused(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_text("file,label\n1.png,é\n", encoding=encoding)
    with pytest.raises(DataError, match=r"t.csv: is no CSV in UTF-8"):
        Table.read(path)


def test_usual_names_come_first(tmp_path):
    rows = [(str(n), "xy"[n % 2], f"c{n % 3}", f"p{n % 12}") for n in range(40)]
    found = table(tmp_path, ("id", "sex", "diagnosis", "patient_id"), rows)
    assert found.label("scans/4.png") == "c1"
    assert found.decode() == {"labels": {"label": "diagnosis"}}
    assert found.split() == {"groups": "patient_id"}
    assert "images of the same patient_id stay in one subset" in found.notes()


def test_a_column_without_a_name_is_let_be(tmp_path):
    """Such as pandas writes for its index."""
    rows = [(str(n), f"{n}.png", "ab"[n % 2]) for n in range(40)]
    found = table(tmp_path, ("", "file", "label"), rows)
    assert list(found.columns) == ["file", "label"]
    assert found.label("scans/4.png") == "a"


def test_few_groups_are_no_groups(tmp_path):
    rows = [(str(n), f"c{n % 3}", f"p{n % 4}") for n in range(40)]
    found = table(tmp_path, ("id", "label", "patient"), rows)
    found.label("scans/4.png")
    assert found.split() == {}


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (
            ("id", "label"),
            lambda n: (f"x{n}", "ab"[n % 2]),
            "no column has the images' names, such",
        ),
        (("id", "label"), lambda n: (str(n), "a"), "no column could be the classes: label has 1 v"),
        (("id", "label"), lambda n: (str(n), "ab"[n % 2] * (n != 7)), "row 9 has an empty label"),
        (("id", "label"), lambda n: (str(n + 1), "ab"[n % 2]), "1 images have no row in t.csv"),
        (("id", "label"), lambda n: (str(n % 39), "ab"[n % 2]), "1 values of id stand there more"),
    ],
)
def test_what_does_not_correspond_is_named(tmp_path, header, row, message):
    found = table(tmp_path, header, [row(n) for n in range(40)])

    def check():
        for name in NAMES:
            found.label(name)
        found.check(NAMES, "a.zip")

    with pytest.raises(DataError) as caught:
        check()
    assert message in str(caught.value)
