"""Pages of a shard that state more than there is are refused before memory is taken for them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core import limits
from pipeline.core.errors import DataError
from pipeline.shards import pages, shard
from tests.support.shards import SHAPE, write


def varint(value):
    """Return a whole number of 32 bits as Thrift's compact protocol has it."""
    value, content = 2 * value, b""
    while value > 127:
        content += bytes([value & 127 | 128])
        value >>= 7
    return content + bytes([value])


def chunk(path, name="image"):
    return pages.chunks(path, path.stat().st_size, path.stat().st_mtime_ns)[0][name]


@pytest.mark.parametrize("field", [2, 3])
@pytest.mark.parametrize("what", ["dictionary", "data"])
def test_a_page_that_states_gigabytes_is_refused(tmp_path, what, field):
    """The header of the first page of its kind, written anew in its place."""
    path, _ = write(tmp_path, "parquet")
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = map(group.column, range(group.num_columns))
    column = next(one for one in columns if one.path_in_schema.startswith("image"))
    at = column.dictionary_page_offset if what == "dictionary" else column.data_page_offset
    assert chunk(path)[:3] == (
        column.num_values,
        column.total_uncompressed_size,
        column.total_compressed_size,
    )
    assert chunk(path).start == column.dictionary_page_offset
    content = bytearray(path.read_bytes())
    huge = b"".join(
        bytes([0x15]) + varint(value)
        for value in (
            2 if what == "dictionary" else 0,
            (1 << 31) - 1 if field == 2 else 9,
            (1 << 31) - 1 if field == 3 else 9,
        )
    )
    content[at : at + len(huge)] = huge
    path.write_bytes(content)
    with limits.memory(path, 300 << 20), pytest.raises(DataError, match=r"part\.parquet is dam"):
        shard.group_images(path, SHAPE, 0)


def repeated(path, rows, times):
    """Write a shard whose images have more values than pixels, all of them the same."""
    kind = pa.list_(pa.float32())
    values = pa.array([[0.5] * times] * rows, kind)
    pq.write_table(pa.table({"image": values}), path)


def test_images_of_more_values_than_pixels_are_refused(tmp_path):
    path = tmp_path / "part.parquet"
    repeated(path, 2, 500_000)
    assert path.stat().st_size < 5000
    with pytest.raises(DataError, match="has not one image of"):
        shard.group_images(path, SHAPE, 0)


def test_columns_beyond_what_they_may_have_are_refused(tmp_path):
    path, _ = write(tmp_path, "parquet")
    with path.open("rb") as file, pytest.raises(ValueError, match="has more than 10 bytes"):
        pages.check(file.fileno(), chunk(path), 10)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_good_pages_of_all_writers_pass(tmp_path, version, compression):
    """Many, with statistics of a long text, with and without a dictionary."""
    path = tmp_path / "a.parquet"
    table = pa.table({"n": np.arange(5000), "text": ["x" * 3000] * 4999 + [None]})
    pq.write_table(
        table,
        path,
        compression=compression,
        data_page_version=version,
        data_page_size=1000,
        use_dictionary=["text"],
    )
    with path.open("rb") as file:
        for name in table.column_names:
            pages.check(file.fileno(), chunk(path, name), 1 << 30)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x15\x00\x15",
        b"\x15" + b"\xff" * 20,
        b"\x1c" * 50,
        b"\x18\xff\xff\x03x",
        b"\x00",
    ],
)
def test_damaged_headers_are_refused(tmp_path, content):
    column = pages.Chunk(values=2, uncompressed=100, compressed=50, start=4)
    path = tmp_path / "a"
    path.write_bytes(b"PAR1" + content)
    with path.open("rb") as file, pytest.raises(ValueError, match="header"):
        pages.check(file.fileno(), column, 1000)


def test_a_damaged_end_is_refused_before_arrow_looks_at_it(tmp_path):
    """Any byte of it; pyarrow's ``RowGroupMetaData.column`` ends the process over some."""
    path, _ = write(tmp_path, "parquet")
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    refused = 0
    for number, at in enumerate(range(len(content) - 8 - length, len(content) - 8, 41)):
        damaged = bytearray(content)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        try:
            pages.chunks(path, len(content), -number)
        except ValueError:
            refused += 1
    assert refused > 5
