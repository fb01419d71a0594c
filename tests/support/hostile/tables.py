"""Hostile and broken tables of labels, which ``decode`` reads."""

from collections.abc import Callable

from tests.support.builders import Project
from tests.support.hostile.corpus import Input


def _labels(content: bytes) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        (project.folder / "data" / "extracted" / "tiny_png" / "labels.csv").write_bytes(content)

    return put


def _many_columns(project: Project) -> None:
    header = ",".join(f"c{number}" for number in range(100_000))
    _labels(f"id,label,{header}\n1,cat\n".encode())(project)


def _million_columns(project: Project) -> None:
    _labels(b"id,label" + b"," * 999_998 + b"\n1,cat" + b"," * 999_998)(project)


def _long_line(project: Project) -> None:
    path = project.folder / "data" / "extracted" / "tiny_png" / "labels.csv"
    with path.open("wb") as file:
        file.write(b"id,label\n1,")
        file.truncate(2_000_000_000)  # of NULs, on no disk


INPUTS: dict[str, Input] = {
    **{
        name: Input("decode", "tiny_png", put, ends)
        for name, put, ends in (
            ("CSV of 100,000 columns", _many_columns, "has 100,002 columns, above 1,000"),
            ("CSV of a million columns", _million_columns, "has 1,000,000 columns, above 1,000"),
            ("CSV with a line of 2 GB", _long_line, "has a line above 1,048,576 bytes"),
            ("CSV of no UTF-8", _labels(b"id,label\n1,caf\xe9\n"), "is not a CSV table in UTF-8"),
            ("CSV in UTF-16", _labels("id,label\n1,cat\n".encode("utf-16")), "not a CSV table in"),
            ("CSV with a column twice", _labels(b"id,label,id\n1,cat,2\n"), "column id more than"),
            ("CSV with NULs", _labels(b"id,label\n1,c\0t\n"), "unknown class"),
            ("CSV with an open quote", _labels(b'id,label\n1,"cat\n'), "is not a CSV table"),
            (
                "CSV with a formula",
                _labels(b'id,label\n1,"=HYPERLINK(""http://x"")"\n'),
                "unknown class '=HYPERLINK",
            ),
            ("CSV of escapes", _labels(b"id,label\n1,\x1b[2J\x07\n"), "unknown class '.x1b"),
            ("CSV of nothing", _labels(b""), "it has no header"),
            ("CSV of a header alone", _labels(b"id,label\n"), "has no rows below its header"),
        )
    },
}
