"""Pages of a Parquet shard, looked at before Arrow decodes them.

Arrow takes the memory that a page's header states, and as many values as it states, before it reads
them. So what the headers state is compared with what the file's end states of the column, which is
compared with what the column may take. Both are in Thrift's compact protocol. The file's end is
read here too, since pyarrow's ``RowGroupMetaData.column`` ends the process over some damaged ones.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

HEADER = 1 << 12
LONGEST_HEADER = 1 << 20
"""Bytes of a page's header that are read at once, and at most."""
DEEPEST = 16
ROW_GROUPS, COLUMNS, COLUMN = 4, 1, 3
"""Fields of the file's end, of a row group, and of a column in it."""
DICTIONARY_PAGE = 2
TYPE, UNCOMPRESSED, COMPRESSED = 1, 2, 3
CONTENTS = (5, 7, 8)
"""Fields of a page's header; the last are of data, of a dictionary, and of data in version 2, and
begin with the number of values."""


class Chunk(NamedTuple):
    """What the file's end states of a column in a row group."""

    values: int
    uncompressed: int
    compressed: int
    """Bytes of its pages, with their headers."""
    start: int
    """Where its first page is."""


@lru_cache(64)
def chunks(path: Path, _length: int, _changed_ns: int) -> list[dict[str, Chunk]]:
    """Return the columns of each row group by the first part of their names.

    It is read once for a length and time of change. Raises ValueError if it is damaged.
    """
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-8 - length, os.SEEK_END)
        content = file.read(length)
    try:
        groups = _Compact(content).struct()[0][ROW_GROUPS]
        return [dict(map(_chunk, group[COLUMNS])) for group in groups]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"the file's end is damaged ({type(error).__name__})") from None


def _chunk(column: dict[int, Any]) -> tuple[str, Chunk]:
    stated = column[COLUMN]
    values, uncompressed, compressed, first = (stated[key] for key in (5, 6, 7, 9))
    dictionary = stated.get(11) or first
    numbers = (values, uncompressed, compressed, first, dictionary)
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise TypeError
    first = first or dictionary  # a row group without rows has a dictionary alone
    return stated[3][0].decode(), Chunk(values, uncompressed, compressed, min(first, dictionary))


def check(descriptor: int, column: Chunk, most: int) -> None:
    """Raise ValueError unless a column's pages state what the file's end states of it.

    Parameters
    ----------
    descriptor : int
        Of the open file.
    column : Chunk
    most : int
        Bytes that the column may have.
    """
    grown, values = 0, 0
    at = column.start
    end = at + column.compressed
    if column.uncompressed > most:
        raise ValueError(f"a column has more than {most:,} bytes")
    while at < end:
        header, length = _header(descriptor, at)
        compressed, uncompressed = header.get(COMPRESSED, -1), header.get(UNCOMPRESSED, -1)
        counts = [header[key].get(1, -1) for key in CONTENTS if isinstance(header.get(key), dict)]
        numbers = (compressed, uncompressed, *counts)
        if not all(isinstance(number, int) and number >= 0 for number in numbers):
            raise ValueError("a page's header is damaged")
        grown += length + uncompressed
        if header.get(TYPE) != DICTIONARY_PAGE:
            values += sum(counts)
        at += length + compressed
        if at > end or grown > column.uncompressed or values > column.values:
            raise ValueError("a page's header states more than its column has")
    if values != column.values:
        raise ValueError("its pages have other values than its column")


def _header(descriptor: int, at: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a page's header by their numbers, and its length in bytes."""
    size = HEADER
    while True:
        content = os.pread(descriptor, size, at)
        try:
            return _Compact(content).struct()
        except IndexError:
            if size >= LONGEST_HEADER or len(content) < size:
                raise ValueError("a page's header is damaged") from None
            size *= 16


class _Compact:
    """Reader of Thrift's compact protocol; raises IndexError at the content's end."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def struct(self, depth: int = 0) -> tuple[dict[int, Any], int]:
        """Return a structure's values by their fields, and where it ends."""
        if depth > DEEPEST:
            raise ValueError("a header is nested")
        fields: dict[int, Any] = {}
        number = 0
        while byte := self._byte():
            kind = byte & 15
            number = number + (byte >> 4) if byte >> 4 else _signed(self._varint())
            fields[number] = self._value(kind, depth)
        return fields, self._at

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # true, false
            return None
        if kind in (4, 5, 6):  # whole numbers of 16, 32 and 64 bits
            return _signed(self._varint())
        if kind == 12:
            return self.struct(depth + 1)[0]
        if kind in (9, 10) and depth < DEEPEST:  # list, set
            byte = self._byte()
            count = self._varint() if byte >> 4 == 15 else byte >> 4
            inner = 3 if byte & 15 in (1, 2) else byte & 15  # a truth value takes a byte there
            return [self._value(inner, depth + 1) for _ in range(count)]
        if kind not in (3, 7, 8):  # bytes: one, eight, many; else a map, which Parquet has none of
            raise ValueError("a page's header is damaged")
        return self._bytes({3: 1, 7: 8}.get(kind) or self._varint())

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _bytes(self, length: int) -> bytes:
        self._at += length
        if self._at > len(self._content):
            raise IndexError
        return self._content[self._at - length : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a page's header is damaged")


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
