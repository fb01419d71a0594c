"""Pages of a Parquet shard, looked at before Arrow decodes them.

Arrow takes the memory that a page's header states, and as many values as it states, before it reads
them. So what the headers state is compared with what the file's end states of the column, which is
compared with what the column may take. Headers are Thrift's compact protocol.
"""

import os
from typing import Any

import pyarrow.parquet as pq

HEADER = 1 << 12
LONGEST_HEADER = 1 << 20
"""Bytes of a page's header that are read at once, and at most."""
DEEPEST = 8
DICTIONARY_PAGE = 2
TYPE, UNCOMPRESSED, COMPRESSED = 1, 2, 3
CONTENTS = (5, 7, 8)
"""Fields of a page's header; the last are of data, of a dictionary, and of data in version 2, and
begin with the number of values."""


def check(descriptor: int, column: pq.ColumnChunkMetaData, most: int) -> None:
    """Raise ValueError unless a column's pages state what the file's end states of it.

    Parameters
    ----------
    descriptor : int
        Of the open file.
    column : ColumnChunkMetaData
    most : int
        Bytes that the column may have.
    """
    grown, values = 0, 0
    at = min(column.dictionary_page_offset or column.data_page_offset, column.data_page_offset)
    end = at + column.total_compressed_size
    if at < 0:
        raise ValueError("a column begins before the file")
    if not 0 <= column.total_uncompressed_size <= most:
        raise ValueError(f"{column.path_in_schema} has more than {most:,} bytes")
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
        if at > end or grown > column.total_uncompressed_size or values > column.num_values:
            raise ValueError("a page's header states more than its column has")
    if values != column.num_values:
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
        """Return a structure's whole numbers and structures by their fields, and where it ends."""
        if depth > DEEPEST:
            raise ValueError("a page's header is nested")
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
        if kind == 3:
            self._skip(1)
        elif kind == 7:
            self._skip(8)
        elif kind == 8:
            self._skip(self._varint())
        else:  # lists and the like, of which a page's header has none
            raise ValueError("a page's header is damaged")
        return None

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _skip(self, length: int) -> None:
        self._at += length
        if self._at > len(self._content):
            raise IndexError

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
