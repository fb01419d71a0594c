"""Tables of labels as people publish them, brought into one form: CSV in UTF-8, with a header.

They may have other separators and encodings, no header, JSON lines instead of CSV, lie in the
archive itself, or be several. What they are like is declared, never guessed. A table that is in the
one form already is copied.
"""

import codecs
import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipeline.archives import several
from pipeline.archives.limits import Limits
from pipeline.core import files
from pipeline.core.errors import DataError, first_few
from pipeline.core.params import FileName, Section

MAX_LINE = 1 << 20
"""Characters of a line, above which a file is no table."""
MAX_COLUMNS = 1000
"""Columns of a table, as many as ``labels.table`` reads."""
SMALL = 32 << 20
"""Bytes of a table, above which it may be no longer than its archive."""
SUBSET = "subset"
"""Column that is added to a table of one subset."""
Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Row = dict[str, str]
Separator = Literal[",", ";", "\t", "|", " "]


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
        "".encode(name)  # some are none of text
    except (LookupError, ValueError):
        raise ValueError("is no encoding of text that Python knows") from None
    return name


class LabelFile(Section):
    """A table of ``datasets.<name>.extract.labels`` that is not plainly CSV.

    A plain name there stands for one of which only ``file`` is given.
    """

    file: FileName | None = None
    """Name of the published file."""
    member: Annotated[str, Field(min_length=1)] | None = None
    """Or its path in the archive."""
    format: Literal["csv", "jsonl"] = "csv"
    """``jsonl``: an object a line, such as Hugging Face's ``metadata.jsonl``; for CSV are the next
    four."""
    separator: Separator = ","
    """Character between the columns."""
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8-sig"
    """One of Python's; ``utf-8-sig`` is UTF-8, with and without its mark."""
    header: bool = True
    """Whether the first row names the columns; else they are ``column_1``, ``column_2`` …"""
    strip: bool = False
    """Whether spaces around names and values are left out."""
    folder: str = ""
    """Folder in the archive from which the paths in column ``path`` lead on; they get it before
    them."""
    path: str = ""
    """Name of the table, or its place in the archive; by default the only one."""
    subset: Literal["train", "validation", "test"] | None = None
    """Subset of all its images, for a column ``subset`` that is added."""

    @model_validator(mode="after")
    def _fits(self) -> "LabelFile":
        if (self.file is None) == (self.member is None):
            raise ValueError("takes file or member, one of them")
        if bool(self.folder) != bool(self.path):
            raise ValueError("takes folder and path (a column) together")
        return self

    @property
    def is_plain(self) -> bool:
        """Whether it is in the one form already."""
        return self == LabelFile(file=self.file, member=self.member)


def _as_list(value: Any) -> Any:
    """Return a name, a table or a list of both as tables."""
    given = () if value is None else value if isinstance(value, list | tuple) else (value,)
    return tuple({"file": one} if isinstance(one, str) else one for one in given)


LabelFiles = Annotated[tuple[LabelFile, ...], BeforeValidator(_as_list)]
"""Tables, of which several are one table in several files."""


def limited(limits: Limits, archives: Sequence[Path]) -> Limits:
    """Return the limits of archives' members for their tables: a line takes longer than a byte."""
    return limits._replace(member_bytes=min(limits.member_bytes, _most(archives)))


def refuse_long(table: Path, archives: Sequence[Path]) -> None:
    """Raise DataError if a table is longer than one of the archives' images can be."""
    length, most = table.stat().st_size, _most(archives)
    if length > most:
        raise DataError(
            f"{table}: has {length:,} bytes, above {most:,}, or the length of {archives[0].name}; "
            "a table of labels has a line for each image: drop other rows and columns"
        )


def _most(archives: Sequence[Path]) -> int:
    for archive in archives:
        files.existing(archive, "download")
    return max(SMALL, several.length(archives))


def write(tables: Sequence[tuple[LabelFile, Path | bytes]], path: Path) -> None:
    """Write tables as one, in the one form.

    Parameters
    ----------
    tables : sequence of (LabelFile, Path or bytes)
        What each is like, and the file or its content.
    path : Path
        The CSV file to write.

    Raises
    ------
    DataError
        If a table is not as declared.
    """
    if len(tables) == 1 and tables[0][0].is_plain and isinstance(tables[0][1], Path):
        files.copy(tables[0][1], path)
        return
    sources = [(table, _where(table, source), _opener(source)) for table, source in tables]
    names = list(dict.fromkeys(name for source in sources for name in _columns(*source)))
    _refuse_many(names, sources[0][1])
    with files.new_table(path) as file:
        rows = csv.DictWriter(file, names, restval="", lineterminator="\n")
        rows.writeheader()
        for table, where, opener in sources:
            with _as_text(where):
                rows.writerows(_rows(table, where, opener))


def columns(table: LabelFile, source: Path | bytes) -> list[str]:
    """Return the names of a table's columns; raises as ``write``."""
    return _columns(table, _where(table, source), _opener(source))


def _where(table: LabelFile, source: Path | bytes) -> str:
    return str(source) if isinstance(source, Path) else str(table.member or table.file)


def _opener(source: Path | bytes) -> Opener:
    return (lambda: source.open("rb")) if isinstance(source, Path) else lambda: io.BytesIO(source)


def _columns(table: LabelFile, where: str, opener: Opener) -> list[str]:
    """Return the names of a table's columns."""
    if table.format == "jsonl":
        names = _keys(table, where, opener)
    else:
        first = next(_values(table, where, opener), [])
        numbers = [f"column_{number}" for number in range(1, len(first) + 1)]
        names = first if table.header else numbers
        _refuse_many(names, where)
    named = [name for name in names if name.strip()]
    with _as_text(where):
        "".join(named).encode()
    if not named:
        raise DataError(f"{where}: is not a table of labels: it has no header")
    if twice := [name for name in dict.fromkeys(named) if named.count(name) > 1]:
        raise DataError(f"{where}: has column {first_few(twice)} more than once; mend it")
    if table.path and table.path not in named:
        raise DataError(
            f"{where}: has no column {table.path}; it has: {first_few(named, 20)} (set "
            "extract.labels in params.yaml)"
        )
    if table.subset and SUBSET in named:
        raise DataError(f"{where}: has a column {SUBSET}; remove extract.labels.subset")
    return [*named, SUBSET] if table.subset else named


def _keys(table: LabelFile, where: str, opener: Opener) -> list[str]:
    """Return the names of JSON lines' values."""
    names: dict[str, None] = {}
    for row in _objects(table, where, opener):
        names.update(dict.fromkeys(row))
        _refuse_many(names, where)
    return list(names)


@contextmanager
def _as_text(where: str) -> Iterator[None]:
    """Raise DataError over half a character, which JSON and some encodings can say."""
    try:
        yield
    except UnicodeEncodeError:
        raise DataError(f"{where}: has values that are no Unicode text; mend it") from None


def _refuse_many(names: Collection[str], where: str) -> None:
    if len(names) > MAX_COLUMNS:
        raise DataError(
            f"{where}: has {len(names):,} columns, above {MAX_COLUMNS:,}; leave some out"
        )


def _rows(table: LabelFile, where: str, opener: Opener) -> Iterator[Row]:
    """Yield the rows of a table by the names of their columns."""
    objects = _objects if table.format == "jsonl" else _records
    for row in objects(table, where, opener):
        if table.path:
            row[table.path] = f"{table.folder.rstrip('/')}/{row.get(table.path, '')}"
        if table.subset:
            row[SUBSET] = table.subset
        yield row


def _records(table: LabelFile, where: str, opener: Opener) -> Iterator[Row]:
    """Yield the rows of a CSV table."""
    rows = _values(table, where, opener)
    names = next(rows, []) if table.header else []
    for number, row in enumerate(rows, 1 + table.header):
        names = names or [f"column_{number}" for number in range(1, len(row) + 1)]
        if any(row[len(names) :]):
            raise DataError(
                f"{where}: row {number} has {len(row)} values, more than the {len(names)} columns; "
                "mend it"
            )
        yield {name: value for name, value in zip(names, row, strict=False) if name.strip()}


def _values(table: LabelFile, where: str, opener: Opener) -> Iterator[list[str]]:
    try:
        with opener() as file:
            text = io.TextIOWrapper(file, encoding=table.encoding, newline="")
            for row in csv.reader(_lines(text, where), delimiter=table.separator):
                if row:
                    yield [value.strip() for value in row] if table.strip else row
    except (UnicodeError, csv.Error) as error:
        raise DataError(
            f"{where}: is not a table in {table.encoding} ({' '.join(str(error).split())[:200]}); "
            "mend it"
        ) from None


def _objects(table: LabelFile, where: str, opener: Opener) -> Iterator[Row]:
    """Yield the rows of JSON lines."""
    number = 0
    try:
        with opener() as file:
            text = io.TextIOWrapper(file, encoding=table.encoding, newline="\n")
            for line in _lines(text, where):
                number += 1
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError("no object")
                    yield {name: _text(value) for name, value in row.items() if name.strip()}
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{where}: line {number} is not JSON ({reason}); mend it") from None


def _text(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _lines(text: io.TextIOWrapper, where: str) -> Iterator[str]:
    while line := text.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise DataError(f"{where}: has a line above {MAX_LINE:,} characters; mend it")
        yield line
