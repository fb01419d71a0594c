"""Tables of the images that are taken: what is proposed, and what does not correspond."""

import pytest

from pipeline.core.errors import DataError
from pipeline.extract.tables import LabelFile
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.tables.table import Table
from pipeline.new_dataset.tables.taken import Taken
from tests.support.builders import labels_csv

NAMES = [f"scans/{n}.png" for n in range(40)]


def take(tmp_path, header, rows, names=NAMES, others=(), **choices):
    given = Choices(**choices)
    path = labels_csv(tmp_path / "t.csv", rows, header)
    table = Table([(LabelFile(file="t.csv"), path)], names, given)
    return Taken(table, names, others, given, "a.zip")


def test_columns_are_known_by_what_they_hold(tmp_path):
    rows = [(f"x{n}", f"{n}.png", "ab"[n % 2], ("train", "val")[n % 2]) for n in range(40)]
    found = take(tmp_path, ("code", "file", "kind", "fold"), rows)
    assert [found.labels[name] for name in NAMES[:3]] == ["a", "b", "a"]
    assert [found.subsets[name] for name in NAMES[:2]] == ["train", "validation"]
    assert found.decode() == {"labels": {"id": "file", "label": "kind", "match": "name"}}
    assert found.split() == {"column": "fold", "validation_fraction": None}
    assert found.classes.names == ["a", "b"]


def test_groups_and_plain_names(tmp_path):
    rows = [(str(n), "xy"[n % 2], f"c{n % 3}", f"p{n % 12}") for n in range(40)]
    found = take(tmp_path, ("id", "sex", "diagnosis", "patient_id"), rows)
    assert found.labels["scans/4.png"] == "c1"
    assert found.decode() == {"labels": {"label": "diagnosis"}}
    assert found.split() == {"groups": "patient_id"}
    assert "images of the same patient_id stay in one subset" in found.notes()


def test_one_hot_columns_and_ends_of_paths(tmp_path):
    rows = [(f"/x/{n}.PNG", *("01" if n % 2 else "10")) for n in range(40)]
    found = take(tmp_path, ("image", "NV", "MEL"), rows)
    assert found.decode() == {
        "labels": {"id": "image", "match": "end", "ignore": ["case"], "one_hot": ["NV", "MEL"]}
    }
    assert found.labels["scans/1.png"] == "MEL"


def test_rows_of_images_that_are_left_out_do_not_matter(tmp_path):
    rows = [(str(n), "ab"[n % 2]) for n in range(42)]
    others = ["rest/40.png", "rest/41.png"]
    found = take(tmp_path, ("id", "label"), rows, others=others)
    assert found.decode() == {"labels": {"rows_without_image": "ignore"}}
    assert "2 rows of images that are left out do not matter" in found.notes()


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (("id", "label"), lambda n: (str(n), "ab"[n % 2] * (n != 7)), "row 8 below the header has"),
        (("id", "label"), lambda n: (str(n), ["a", "b", " "][n % 3]), "row 3 below the header has"),
        (("id", "label"), lambda n: (str(n + 1), "ab"[n % 2]), "1 images have no row in t.csv"),
        (("id", "label"), lambda n: (str(n % 39), "ab"[n % 2]), "1 values of id stand there more"),
        (("id", "label"), lambda n: (f"{n}.png"[n == 3 :], "ab"[n % 2]), "1 images have no row"),
    ],
)
def test_what_does_not_correspond_is_named(tmp_path, header, row, message):
    with pytest.raises(DataError) as caught:
        take(tmp_path, header, [row(n) for n in range(40)])
    assert message in str(caught.value)


def test_rows_without_image_and_images_that_fit_alike_are_named(tmp_path):
    rows = [(str(n), "ab"[n % 2]) for n in range(42)]
    with pytest.raises(DataError, match=r"t.csv: 2 ids have no image in a.zip: 40, 41; remove"):
        take(tmp_path, ("id", "label"), rows)
    names = [f"{n}.{suffix}" for n in range(4) for suffix in ("jpg", "png")]
    with pytest.raises(DataError, match=r"0 \(0.jpg or 0.png\), 1 .*, 2 .* and 1 more; give more"):
        take(tmp_path, ("id", "label"), rows[:4], names)
