import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import DataError
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


def test_only_the_rows_that_are_wanted_must_have_a_value(tmp_path):
    path = labels_csv(tmp_path / "t.csv", [("1", "a"), ("2", ""), ("3", "c")])
    wanted = np.array([2, 0], np.int32)
    assert label_table.column(path, "label", "x", wanted).to_pylist() == ["c", "a"]
    every = label_table.column(path, "label", "x", may_be_empty=True)
    assert every.to_pylist() == ["a", "", "c"]
    with pytest.raises(DataError, match="row 3 has an empty label"):
        label_table.column(path, "label", "x", np.array([0, 1], np.int32))
