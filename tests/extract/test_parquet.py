"""Parquet files of strangers: what a process of limits reads, and how else it ends."""

import datetime
import json
import resource

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.extract import parquet
from pipeline.extract.parquet import Row
from tests.support import builders
from tests.support.builders import CLASSES, parquet_file
from tests.support.hostile import parquet as hostile

HARMLESS = (
    *("bytes of ", "bytes twice", "labels of ", "labels that are ", "names of ", "fewer names"),
    "a column twice",
)


def _seconds_of_processes():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def read(path, others=()):
    return list(parquet.rows([path], "image", "label", others))


@pytest.mark.usefixtures("without_a_process")
@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        ([0, 2, 1], CLASSES, ["cat", "emu", "dog"]),
        ([0, 12, 1], None, ["0", "12", "1"]),
        (["a", "b", "0"], None, ["a", "b", "0"]),
    ],
)
def test_labels_are_names_or_numbers(tmp_path, labels, classes, expected):
    contents = [builders.encode(one) for one in builders.pixels([0, 1, 2], (8, 8, 3))]
    path = parquet_file(tmp_path / "a.parquet", contents, labels, classes)
    found = read(path)
    assert [row.label for row in found] == expected
    assert [row.content for row in found] == contents


@pytest.mark.usefixtures("without_a_process")
def test_rows_of_several_files_with_other_columns(tmp_path):
    columns = {"place": ["x", None], "when": [datetime.date(2020, 1, 2), None], "half": [0.5, None]}
    kind = pa.dictionary(pa.int8(), pa.binary())
    for name, images in (("a", [b"1", b"2"]), ("b", pa.array([b"3", b"3"], kind))):
        table = pa.table({"image": images, "label": ["u", "v"], **columns})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    found = list(parquet.rows(paths, "image", "label", list(columns)))
    others = [["x", "2020-01-02", "0.5"], ["", "", ""]]
    assert found == [
        Row(0, b"1", "u", others[0]),
        Row(0, b"2", "v", others[1]),
        Row(1, b"3", "u", others[0]),
        Row(1, b"3", "v", others[1]),
    ]
    texts = list(parquet.texts(paths, ["half", "label"]))
    assert texts == [[["0.5", ""], ["u", "v"]]] * 2


@pytest.mark.usefixtures("without_a_process")
def test_many_rows_are_all_read_in_order(tmp_path):
    contents = [b"%d" % number for number in range(1000)]
    path = parquet_file(tmp_path / "a.parquet", contents, list(range(1000)), None)
    assert [(row.content, row.label) for row in read(path)] == [(c, c.decode()) for c in contents]


def test_a_reader_may_stop(tmp_path):
    path = parquet_file(tmp_path / "a.parquet", [bytes(100_000)] * 100, [0] * 100, None)
    rows = parquet.rows([path], "image", "label")
    assert next(rows).label == "0"
    rows.close()


def test_columns_are_described(tmp_path):
    path = parquet_file(
        tmp_path / "a.parquet", [b"1"], [0], tags=[["x"]], place=["p"], more=[{"x": 1}]
    )
    (found,) = parquet.describe([path])
    assert found.names == ["image", "label", "tags", "place", "more"]
    assert (found.images, found.lists) == (["image"], ["tags"])
    assert found.plain == ["label", "place"]
    assert found.classes == {"label": list(CLASSES)}


@pytest.mark.usefixtures("without_a_process")
@pytest.mark.parametrize("text", ["[]", "x", "[" * 100_000, {"names": [1]}, {"names": 1}, 1])
def test_metadata_of_others_are_let_be(tmp_path, text):
    if not isinstance(text, str):
        text = json.dumps({"info": {"features": {"label": text}}})
    table = pa.table({"image": [b"1"], "label": [7]})
    pq.write_table(table.replace_schema_metadata({"huggingface": text}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [Row(0, b"1", "7", [])]


@pytest.mark.usefixtures("without_a_process")
def test_images_that_are_only_named_are_none(tmp_path):
    parquet_file(tmp_path / "a.parquet", [b"1", None], [0, 1])
    with pytest.raises(DataError, match=r"a\.parquet: row 1 has no image in it \(column image\)"):
        read(tmp_path / "a.parquet")


@pytest.mark.usefixtures("without_a_process")
@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>"])
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet: is damaged, or not Parquet"):
        read(tmp_path / "a.parquet")


@pytest.mark.usefixtures("without_a_process")
def test_a_folder_is_none(tmp_path):
    with pytest.raises(DataError, match="is no plain file"):
        read(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in hostile.SLOW else name
        for name in hostile.FILES
    ],
)
def test_hostile_files_end_in_one_line(request, tmp_path, name):
    """Within 30 s of a processor; those of other types alone need no process of their own."""
    if name.startswith(HARMLESS):
        request.getfixturevalue("without_a_process")
    make, message = hostile.FILES[name]
    path = tmp_path / "a.parquet"
    make(path)
    before = _seconds_of_processes()
    with pytest.raises(DataError, match=message) as caught:
        read(path, ("more",) if "column" in name and "grows" in name else ())
    assert _seconds_of_processes() - before < 30
    text = str(caught.value)
    assert text.startswith(str(path))
    assert text.isprintable()
    assert len(text) < 1000
