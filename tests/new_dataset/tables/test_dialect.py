"""Forms of tables: separators, encodings, headers and spaces are found by looking."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.tables.dialect import like

IMAGES = [f"scans/{n}.png" for n in range(6)]
ROWS = "".join(f"{n}.png,c{n % 2}\n" for n in range(6))
HEAD = "file,label\n"


def found(content, name="t.csv"):
    content = content if isinstance(content, bytes) else content.encode()
    return like(content, {"file": name}, IMAGES).model_dump(exclude_defaults=True, exclude={"file"})


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (HEAD + ROWS, {}),
        ((HEAD + ROWS).encode("utf-8-sig"), {}),
        ((HEAD + ROWS).encode("utf-16"), {"encoding": "utf-16"}),
        ((HEAD + ROWS).encode("utf-16-le"), {"encoding": "utf-16-le"}),
        ((HEAD + ROWS).replace(",", ";"), {"separator": ";"}),
        ((HEAD + ROWS).replace(",", "\t"), {"separator": "\t"}),
        ((HEAD + ROWS).replace(",", "|"), {"separator": "|"}),
        (ROWS.replace(",", " "), {"separator": " ", "header": False}),
        (ROWS, {"header": False}),
        (ROWS.replace(".png", ""), {"header": False}),
        ((HEAD + ROWS).replace(",", ", "), {"strip": True}),
        (HEAD + ROWS.replace(",c", ",c|d;"), {}),
        ("file;size;label\n" + ROWS.replace(",", ";0,5;"), {"separator": ";"}),
        ('{"file_name": "1.png"}\n', {"format": "jsonl"}),
        ((HEAD + ROWS + "x.png,кошка\ny.png,собака\n").encode("cp1251"), {"encoding": "cp1251"}),
    ],
)
def test_forms_are_found(content, form):
    assert found(content) == form


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", r"t.csv: is an Excel or other zipped file; save the table as CSV"),
        (b"a,\0b\n" + b"x" * 100, r"t.csv: is no text"),
        (
            b"\xef\xbb\xbfsep=;\nfile;label\n1.png;a\n",
            r"t.csv: its first line, .* delete that line",
        ),
        (
            b"\xef\xbb\xbf\xef\xbb\xbf" + (HEAD + ROWS).encode(),
            r"t.csv: begins with a second mark of UTF-8, before its columns' names; remove it",
        ),
        (("   \n" + HEAD + ROWS).encode(), r"t.csv: begins with an empty line, .*; remove it"),
        (b'[{"file": "1.png"}]', r"t.csv: is JSON, but not an object for each image on a line"),
        (b'{"images": [{"id": 1}]}\n', r"t.csv: is JSON, but not an object"),
        (b'{\n "images": []\n}\n', r"t.csv: is JSON, but not an object"),
        (
            HEAD.encode() + b"1.png,L\xf6we\n",
            r"no CSV in UTF-8, and how else is not clear: .*cp1252",
        ),
    ],
)
def test_what_is_no_table_or_not_clear_is_refused(content, message):
    with pytest.raises(DataError, match=message):
        found(content)


def test_a_long_line_of_one_column_is_a_table():
    assert found("file\n" + "x" * 300_000) == {}
