import numpy as np
import pyarrow as pa
import pytest

from pipeline import labels
from pipeline.errors import DataError
from pipeline.labels import LabelColumns
from tests.builders import CLASSES, labels_csv

ROWS = [("10", "cat"), ("2", "emu"), ("1", "dog")]


def read(path, columns=None, classes=CLASSES):
    return labels.read(path, columns or LabelColumns(), classes)


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
    monkeypatch.setattr(labels, "CHUNK_ROWS", 7)
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
        (b"id,label\n1,cat\n2,dog\n1,emu\n", "1 ids stand there more than once: 1"),
        (b"id,label\n1,cat\n,dog\n", "row 3 has an empty id"),
        (b"id,label\n1,cat\n2,\n", "unknown class ''"),
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
    return labels.Labels(pa.array(ids, pa.string()), np.zeros(len(ids), np.int32))


def test_join_is_by_id_in_the_archives_order():
    names = pa.array(["train/1.png", "train/10.png", "train/2.png"])
    assert labels.join(names, table(["10", "2", "1"]), "a", "t").tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/b/7.tar.png", "7.tar"), ("7", "7"), ("a\\7.png", "7"), ("x/.png", ".png"), ("ü.png", "ü")],
)
def test_an_images_id_is_its_name_without_folder_and_suffix(name, expected):
    assert labels.member_id(name) == expected


@pytest.mark.parametrize(
    ("names", "ids", "message"),
    [
        (["a/1.png", "b/1.png"], ["1"], "1 ids belong to several images: 1"),
        (["1.png", "2.png"], ["1"], "1 images have no row in table: 2.png"),
        (["1.png"], ["1", "2", "3"], "2 ids have no image in archive: 2, 3"),
        (
            [f"{n}.png" for n in range(9)],
            ["0"],
            "8 images have no row in table: 1.png, 2.png, 3.png, 4.png, 5.png and 3 more",
        ),
    ],
)
def test_what_does_not_correspond_is_named(names, ids, message):
    with pytest.raises(DataError) as raised:
        labels.join(pa.array(names), table(ids), "archive", "table")
    assert message in str(raised.value)
