import csv

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.labels import join
from pipeline.labels import table as label_table
from pipeline.labels.table import LabelColumns
from tests.support.builders import CLASSES, labels_csv

ROWS = [("10", "cat"), ("2", "emu"), ("1", "dog")]


def read(path, columns=None, classes=CLASSES):
    return label_table.read(path, columns or LabelColumns(), classes)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [False, True])
def test_reads_ids_as_text_and_labels_as_positions(tmp_path, newline, bom):
    path = labels_csv(tmp_path / "labels.csv", ROWS, newline=newline, bom=bom)
    found = read(path)
    assert found.ids.to_pylist() == ["10", "2", "1"]
    assert found.labels.tolist() == [0, 2, 1]
    assert found.labels.dtype == np.int32


def test_nothing_is_taken_for_missing_or_for_a_number(tmp_path):
    ids = ["NA", "null", "007", "1e3", "nan", "None", " x", "1.0"]
    path = labels_csv(tmp_path / "labels.csv", [(name, "N/A") for name in ids])
    assert read(path, classes=("N/A", "b")).ids.to_pylist() == ids


def test_columns_can_be_named_and_others_are_ignored(tmp_path):
    path = labels_csv(
        tmp_path / "labels.csv", [("x", "dog", "a"), ("y", "cat", "b")], ("note", "kind", "file")
    )
    found = read(path, LabelColumns(id="file", label="kind"))
    assert found.ids.to_pylist() == ["a", "b"]
    assert found.labels.tolist() == [1, 0]


def test_long_tables_are_read_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(label_table, "CHUNK_ROWS", 7)
    rows = [(str(n), CLASSES[n % 3]) for n in range(50)]
    found = read(labels_csv(tmp_path / "labels.csv", rows))
    assert found.ids.to_pylist() == [name for name, _ in rows]
    assert found.labels.tolist() == [n % 3 for n in range(50)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,label\n", "has no rows"),
        (b"", "not a CSV"),
        (b"id,class\n1,cat\n", "has no column label; it has: id, class"),
        (b"1,cat\n2,dog\n", "has no column id, label; it has: 1, cat"),
        (b"id,label\n1,cat\n2,dgo\n3,ccat\n", "unknown class 'dgo', 'ccat' (first in row 3)"),
        (b"id,label\n1,cat\n2,dog\n1,emu\n", "1 ids stand there more than once: 1; mend"),
        (b"id,label\n1,cat\n,dog\n", "row 3 has an empty id; mend the table"),
        (b"id,label\n1,cat\n2,\n", "unknown class ''"),
        (b"id,label\n1,cat,dog\n2,dog,cat\n", "more values than the header"),
        (b"id,label\n1,cat,\n", "more values than the header"),
        (b"id,label\n1,cat,3,4\n2,dog\n3,cat,1\n4,a,b,c,d,e\n", "not a CSV"),
        (b"id,label\n1,\xff\xfe\n", "not a CSV table in UTF-8"),
        (b'id,label\n"1,cat\n', "not a CSV"),
    ],
)
def test_faults_are_named(tmp_path, content, message):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


def test_missing_table_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match="missing; run the extract stage"):
        read(tmp_path / "labels.csv")


def table(ids):
    return label_table.Labels(pa.array(ids, pa.string()), np.zeros(len(ids), np.int32))


def test_join_is_by_id_in_the_archives_order():
    names = pa.array(["train/1.png", "train/10.png", "train/2.png"])
    assert join.join(names, table(["10", "2", "1"]), "a", "t").tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/b/7.tar.png", "7.tar"), ("7", "7"), ("a\\7.png", "7"), ("x/.png", ".png"), ("ü.png", "ü")],
)
def test_an_images_id_is_its_name_without_folder_and_suffix(name, expected):
    assert join.member_id(name) == expected


@pytest.mark.parametrize(
    ("names", "ids", "message"),
    [
        (["a/1.png", "b/1.png"], ["1"], "1 ids belong to several images: 1"),
        (["1.png", "2.png"], ["1"], "1 images have no row in table: 2.png; add their rows"),
        (["1.png"], ["1", "2", "3"], "2 ids have no image in archive: 2, 3; remove their rows"),
        (
            [f"{n}.png" for n in range(9)],
            ["0"],
            "8 images have no row in table: 1.png, 2.png, 3.png, 4.png, 5.png and 3 more",
        ),
    ],
)
def test_what_does_not_correspond_is_named(names, ids, message):
    with pytest.raises(DataError) as raised:
        join.join(pa.array(names), table(ids), "archive", "table")
    assert message in str(raised.value)


# A carriage return of its own is left unquoted by some versions of the writer.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=6)


@settings(max_examples=60)
@given(
    ids=st.lists(TEXT, min_size=1, max_size=12, unique=True),
    classes=st.lists(TEXT, min_size=1, max_size=4, unique=True).map(tuple),
    others=st.lists(TEXT, max_size=2),
    newline=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
def test_what_a_writer_of_csv_writes_is_read(tmp_path_factory, ids, classes, others, newline, data):
    """Whatever stands in the fields: commas, quotes, line ends, numbers, blanks."""
    path = tmp_path_factory.getbasetemp() / "labels.csv"
    labels_of = [data.draw(st.integers(0, len(classes) - 1)) for _ in ids]
    header = data.draw(
        st.permutations(["id", "label", *(f"other {n}" for n in range(len(others)))])
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=newline)
        writer.writerow(header)
        for name, label in zip(ids, labels_of, strict=True):
            row = {f"other {n}": other for n, other in enumerate(others)}
            row |= {"id": name, "label": classes[label]}
            writer.writerow([row[column] for column in header])
    found = read(path, classes=classes)
    assert found.ids.to_pylist() == ids
    assert found.labels.tolist() == labels_of


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\."), min_size=1, max_size=4)


@given(ids=st.lists(NAMES, min_size=1, max_size=20, unique=True), data=st.data())
def test_join_is_a_look_up(ids, data):
    """Against a dictionary, whatever the orders; what is surplus or missing is refused."""
    members = data.draw(st.permutations(ids))
    names = [f"{data.draw(st.sampled_from(['', 'a/', 'b/c/']))}{name}.png" for name in members]
    row_of = {name: row for row, name in enumerate(ids)}
    expected = [row_of[name] for name in members]
    assert join.join(pa.array(names), table(ids), "archive", "table").tolist() == expected
    with pytest.raises(DataError, match=r"^table: 1 ids have no image in archive: "):
        join.join(pa.array(names[1:], pa.string()), table(ids), "archive", "table")
    others = [name for name in ids if name != members[0]]
    with pytest.raises(DataError, match=r"^archive: 1 images have no row in table: "):
        join.join(pa.array(names), table(others), "archive", "table")
    with pytest.raises(DataError, match=r"^archive: 1 ids belong to several images: "):
        join.join(pa.array([*names, f"d/{names[0]}"]), table(ids), "archive", "table")
