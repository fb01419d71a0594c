"""Tables of labels in other forms become one CSV file in UTF-8."""

import csv

import pytest

from pipeline.core.errors import DataError, ParameterError
from pipeline.core.params import Params
from pipeline.extract import tables
from pipeline.extract.archive import ArchiveExtract, extract_archive
from pipeline.extract.tables import LabelFile
from tests.support import builders

ROWS = [["file", "label"], ["1.png", "Löwe, alt"], ["2.png", "NA"]]
TEXT = 'file{0}label\n1.png{0}"Löwe, alt"\n2.png{0}NA\n'


def written(tmp_path, *given):
    tables.write(given, tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("content", "like"),
    [
        (TEXT.format(";").encode(), {"separator": ";"}),
        (TEXT.format("\t").encode("utf-16"), {"separator": "\t", "encoding": "utf-16"}),
        (TEXT.format("|").encode("utf-8-sig"), {"separator": "|"}),
        (TEXT.format(",").encode("cp1252"), {"encoding": "cp1252"}),
        (TEXT.format(", ").replace('"', "").replace("e, a", "e! a").encode(), {"strip": True}),
        (
            b'{"file": "1.png", "label": "L\\u00f6we, alt"}\n\n{"label": "NA", "file": "2.png"}\n',
            {"format": "jsonl"},
        ),
    ],
)
def test_each_form_becomes_the_one(tmp_path, content, like):
    rows = written(tmp_path, (LabelFile(file="t", **like), content))
    expected = [[value.replace(", alt", "! alt") for value in row] for row in ROWS]
    assert rows in (ROWS, expected)


def test_a_table_without_header_gets_one(tmp_path):
    rows = written(tmp_path, (LabelFile(file="t", header=False), b"1.png,cat\n2.png,dog\n"))
    assert rows == [["column_1", "column_2"], ["1.png", "cat"], ["2.png", "dog"]]


def test_several_tables_are_one(tmp_path):
    """Paths get their table's folder before them, and rows their table's subset."""
    rows = written(
        tmp_path,
        (
            LabelFile(member="a/m.csv", folder="a", path="file", subset="train"),
            b"file,label,x\n1.png,cat,5\n",
        ),
        (
            LabelFile(member="b/m.csv", folder="b", path="file", subset="test"),
            b"label,file\ndog,1.png\n",
        ),
    )
    assert rows == [
        ["file", "label", "x", "subset"],
        ["a/1.png", "cat", "5", "train"],
        ["b/1.png", "dog", "", "test"],
    ]


def test_values_of_json_become_text(tmp_path):
    line = b'{"file": "1.png", "n": 3, "yes": true, "none": null, "many": ["a", "b"]}\n'
    rows = written(tmp_path, (LabelFile(file="t", format="jsonl"), line))
    assert rows[1] == ["1.png", "3", "True", "", '["a", "b"]']


@pytest.mark.parametrize("name", ["", " ", "\u2003"])
def test_values_without_a_name_are_dropped(tmp_path, name):
    line = f'{{"{name}": 1, "file": "1.png"}}\n'.encode()
    rows = written(tmp_path, (LabelFile(file="t", format="jsonl"), line))
    assert rows == [["file"], ["1.png"]]
    line = f"{name};file\n1;1.png\n".encode()
    assert written(tmp_path, (LabelFile(file="t", separator=";"), line)) == rows


@pytest.mark.parametrize(("form", "content"), [("csv", b" \n1\n"), ("jsonl", b'{" ": 1}\n')])
def test_a_table_of_which_no_column_has_a_name_is_refused(tmp_path, form, content):
    with pytest.raises(DataError, match="it has no header"):
        written(tmp_path, (LabelFile(file="t", format=form, strip=True), content))


def test_a_plain_table_is_copied(tmp_path):
    content = b"\xef\xbb\xbfid,label\r\n1,a\r\n"
    (tmp_path / "t.csv").write_bytes(content)
    tables.write([(LabelFile(file="t.csv"), tmp_path / "t.csv")], tmp_path / "labels.csv")
    assert (tmp_path / "labels.csv").read_bytes() == content


@pytest.mark.parametrize(
    ("content", "like", "message"),
    [
        (b"a;b\n1;2;3\n", {"separator": ";"}, "t: row 2 has 3 values, more than the 2 columns"),
        (b"a;a\n", {"separator": ";"}, "t: has column a more than once"),
        (b"", {"separator": ";"}, "t: is not a table of labels: it has no header"),
        (b"\xff", {"encoding": "utf-8"}, "t: is not a table in utf-8"),
        (b"{}\n[1]\n", {"format": "jsonl"}, r"t: line 2 is not JSON \(no object\)"),
        (b'{"a":\n', {"format": "jsonl"}, "t: line 1 is not JSON"),
        (b'{"a": "\\ud800"}\n', {"format": "jsonl"}, "t: has values that are no Unicode text"),
        (b'{"\\ud800": 1}\n', {"format": "jsonl"}, "no Unicode text"),
        (b"".join(b'{"%d": 1}\n' % n for n in range(1001)), {"format": "jsonl"}, "1,001 columns"),
        (b"," * 1_000_000, {}, "t: has 1,000,001 columns, above 1,000"),
        (b'a\n"' + b"b\n" * 100_000, {}, "field larger than field limit"),
        (b"[" * 100_000, {"format": "jsonl"}, "t: line 1 is not JSON"),
        (b"a+2AA-\nb\n", {"encoding": "utf-7"}, "utf-7|no Unicode text"),
        (b"x" * (2 << 20), {"encoding": "ascii"}, "t: has a line above 1,048,576 characters"),
        (b"a,b\n", {"folder": "x", "path": "c"}, "t: has no column c; it has: a, b"),
        (b"a,subset\n", {"subset": "test"}, "t: has a column subset"),
    ],
)
def test_what_is_not_as_declared_is_refused(tmp_path, content, like, message):
    with pytest.raises(DataError, match=message):
        written(tmp_path, (LabelFile(file="t", **like), content))


@pytest.mark.parametrize(
    ("labels", "files"),
    [
        (None, []),
        ("a.csv", ["a.csv"]),
        (["a.csv", {"file": "b.csv", "separator": ";"}], ["a.csv", "b.csv"]),
        ({"member": "x/m.csv"}, [None]),
    ],
)
def test_a_name_a_table_or_a_list_may_be_given(labels, files):
    params = Params({"a": {"archive": "a.zip", "labels": labels}}).section(ArchiveExtract, "a")
    assert [table.file for table in params.labels] == files


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"file": "a", "member": "b"}, r"a.labels\[0\]: takes file or member, one of them"),
        ({"file": "a", "folder": "b"}, r"a.labels\[0\]: takes folder and path"),
        ({"file": "a", "encoding": "zlib"}, r"a.labels\[0\].encoding: is no encoding of text"),
        (["a", {"file": "b", "separator": "x"}], r"a.labels\[1\].separator: must be"),
    ],
)
def test_impossible_tables_are_refused(labels, message):
    with pytest.raises(ParameterError, match=message):
        Params({"a": {"archive": "a.zip", "labels": labels}}).section(ArchiveExtract, "a")


def test_a_table_may_lie_in_the_archive(tmp_path):
    content = builders.encode(builders.pixels([0], (8, 8, 3))[0])
    builders.write_archive(
        tmp_path / "a.zip", [("x/[1]/m.csv", b"f,l\n1.png,a\n"), ("x/1.png", content)]
    )
    table = LabelFile(member="x/[1]/m.csv", folder="x", path="f")
    params = ArchiveExtract(archive="a.zip", members="*.png", labels=(table,))
    extract_archive(tmp_path, params, tmp_path / "out")
    assert (tmp_path / "out/labels.csv").read_text() == "f,l\nx/1.png,a\n"
    missing = params.model_copy(update={"labels": (LabelFile(member="y.csv"),)})
    with pytest.raises(DataError, match=r"has no member y.csv \(extract.labels"):
        extract_archive(tmp_path, missing, tmp_path / "out")


def test_a_table_in_an_archive_is_no_longer_than_that(tmp_path):
    """A megabyte of lines is nothing when it is packed."""
    raw = tmp_path / "raw" / "tiny"
    raw.mkdir(parents=True)
    table = b"id,label\n" + b"a,b\n" * 9_000_000
    builders.write_archive(raw / "a.zip", [("1.png", b"1"), ("labels.csv", table)])
    params = ArchiveExtract(archive="a.zip", members="*.png", labels={"member": "labels.csv"})
    with pytest.raises(DataError, match=r"36,000,009 bytes, above 33,554,432"):
        extract_archive(raw, params, tmp_path / "out")


def test_a_table_beside_an_archive_is_no_longer_than_that(tmp_path):
    builders.write_archive(tmp_path / "a.zip", [("1.png", b"1")])
    with (tmp_path / "t.csv").open("wb") as file:
        file.truncate(40_000_000)
    params = ArchiveExtract(archive="a.zip", labels="t.csv")
    with pytest.raises(DataError, match=r"t\.csv: has 40,000,000 bytes, above 33,554,432, or the"):
        extract_archive(tmp_path, params, tmp_path / "out")
    assert not (tmp_path / "out").exists()
