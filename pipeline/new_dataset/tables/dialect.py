"""What a table of labels is like: its encoding, separator, and whether it has a header."""

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, get_args

from pipeline.core.errors import DataError, first_few
from pipeline.extract.tables import LabelFile, Separator
from pipeline.new_dataset.tables.ids import keys_of

BEGINNING = 1 << 18
"""Bytes that are looked at for the separator."""
ROWS = 100
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings by their marks; that of UTF-32 begins with that of UTF-16."""
WINDOWS = ("cp1252", "cp1250", "cp1251", "gb18030", "big5", "cp932", "cp949")
"""Encodings in which Excel saves."""
CLOSE = 0.02
"""A difference in what charset-normalizer calls chaos that decides nothing."""
JSON = re.compile(r"\s*\{\s*\"|\s*\[\s*[\[{\"]")
"""The beginning of JSON."""
NO_TABLE = {
    b"PK\x03\x04": "an Excel or other zipped file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"SQLite": "a database",
}


def like(source: Path | bytes, where: dict[str, str], images: Collection[str]) -> LabelFile:
    """Return what a table is like.

    Parameters
    ----------
    source : Path or bytes
        The file, or its content.
    where : dict
        ``file`` or ``member``, and its name.
    images : collection of str
        The images' paths: a row that has one of them is no header.

    Raises
    ------
    DataError
        If it is no text, or its encoding is not clear.
    """
    (name,) = where.values()
    content = source if isinstance(source, bytes) else source.read_bytes()
    found = next((what for mark, what in NO_TABLE.items() if content.startswith(mark)), None)
    if found:
        raise DataError(f"{name}: is {found}; save the table as CSV in UTF-8")
    given: dict[str, Any] = dict(where)
    encoding = _encoding(name, content)
    if encoding != "utf-8-sig":
        given["encoding"] = encoding
    text = content[:BEGINNING].decode(encoding, "ignore")
    if len(content) > BEGINNING:
        text = text[: text.rfind("\n") + 1]
    if re.match(r"\"?sep=", text):
        raise DataError(f"{name}: its first line, sep=…, is for Excel alone; delete that line")
    _refuse_nested(name, text)
    if PurePath(name).suffix.lower() in (".jsonl", ".ndjson") or JSON.match(text):
        return LabelFile(format="jsonl", **given)
    is_marked = text.startswith("\ufeff")
    if is_marked or (text.strip() and not text.partition("\n")[0].strip()):
        what = "a second mark of UTF-8" if is_marked else "an empty line"
        raise DataError(f"{name}: begins with {what}, before its columns' names; remove it")
    separator = _separator(text)
    if separator != ",":
        given["separator"] = separator
    rows = _rows(text, separator)
    if rows and _has_spaces(rows):
        given["strip"] = True
        rows = [[value.strip() for value in row] for row in rows]
    if rows and not _has_header(rows, images):
        given["header"] = False
    return LabelFile(**given)


def _refuse_nested(name: str, text: str) -> None:
    """Raise DataError over JSON that has not an object a line, with plain values."""
    if not JSON.match(text):
        return
    try:
        first = json.loads(text.lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        first = None
    if not isinstance(first, dict) or all(isinstance(one, dict | list) for one in first.values()):
        raise DataError(
            f"{name}: is JSON, but not an object for each image on a line of its own; save the "
            "table as CSV or as JSON lines"
        )


def _encoding(name: str, content: bytes) -> str:
    """Return the encoding of a text."""
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return encoding
    zeros = content[:1000].count(0)
    if zeros > len(content[:1000]) // 4:
        return "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    if zeros:
        raise DataError(f"{name}: is no text; save the table as CSV in UTF-8")
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _guess(name, content)
    return "utf-8-sig"


def _guess(name: str, content: bytes) -> str:
    """Return the encoding that a text of another time is likely in."""
    from charset_normalizer import from_bytes  # no stage loads it

    lines = [line for line in content.splitlines() if not line.isascii()]
    text = b"\n".join(dict.fromkeys(lines))[:BEGINNING]
    matches = sorted(
        from_bytes(text, cp_isolation=list(WINDOWS), preemptive_behaviour=False),
        key=lambda match: match.chaos,
    )
    close = [match for match in matches if match.chaos <= matches[0].chaos + CLOSE]
    readings = {
        str(match): next(one for one in WINDOWS if one in match.could_be_from_charset)
        for match in close
    }
    likely = list(readings.values())
    if len(likely) != 1 or not _decodes(content, likely[0]):
        shown = [f"{text.splitlines()[0][:60]} ({one})" for text, one in readings.items()]
        raise DataError(
            f"{name}: is no CSV in UTF-8, and how else is not clear"
            f"{': ' * bool(shown)}{first_few(shown, 3) if shown else ''}; save it as UTF-8"
        )
    return likely[0]


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _rows(text: str, separator: str) -> list[list[str]]:
    """Return the first rows of a table; none if it is damaged."""
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return list(islice(filter(None, reader), ROWS))
    except csv.Error:
        return []


def _separator(text: str) -> Separator:
    """Return the separator that makes as many columns as can be, the same number in each row."""
    best: Separator = ","
    most = 1
    for separator in get_args(Separator):
        lengths = Counter(map(len, _rows(text, separator)))
        if len(lengths) == 1 and max(lengths) > most and (separator != " " or most == 1):
            best, most = separator, max(lengths)
    if most > 1:
        return best
    header = text.partition("\n")[0]
    counts = {one: header.count(one) for one in get_args(Separator) if one != " "}
    return max(counts, key=lambda one: counts[one])


def _has_spaces(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether all separators, in some column, have a space behind them."""
    width = min(map(len, rows))
    return any(all(row[at].startswith(" ") for row in rows) for at in range(1, width))


def _has_header(rows: Sequence[Sequence[str]], images: Collection[str]) -> bool:
    """Return whether the first row names columns: it has no image in a column of images."""
    keys = {key for name in images for key in keys_of(name)}
    for at, value in enumerate(rows[0]):
        others = [row[at] for row in rows[1:] if at < len(row)]
        known = sum(not keys.isdisjoint(keys_of(other)) for other in others)
        if not keys.isdisjoint(keys_of(value)) and 2 * known >= len(others) > 0:
            return False
    return True
