import hashlib
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.extract import parts

MEMBERS = [(f"train/{number}.png", bytes([number]) * number) for number in range(10)]


def digests(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    ("part_rows", "rows"),
    [
        (1, [1] * 10),
        (3, [3, 3, 3, 1]),
        (5, [5, 5]),
        (9, [9, 1]),
        (10, [10]),
        (11, [10]),
    ],
)
def test_rows_of_parts(tmp_path, part_rows, rows):
    assert parts.write(iter(MEMBERS), tmp_path, part_rows) == (10, 45)
    found = parts.paths(tmp_path)
    assert [path.name for path in found] == [f"part-{n:05}.parquet" for n in range(len(rows))]
    assert [pq.read_metadata(path).num_rows for path in found] == rows
    tables = [pq.read_table(path) for path in found]
    assert all(table.schema.equals(parts.SCHEMA) for table in tables)
    table = pa.concat_tables(tables)
    contents = zip(table["name"].to_pylist(), table["bytes"].to_pylist(), strict=True)
    assert list(contents) == MEMBERS


def test_schema():
    assert str(parts.SCHEMA) == "name: string not null\nbytes: binary not null"


def test_reading(tmp_path):
    parts.write(iter(MEMBERS), tmp_path, 7)
    first, second = parts.paths(tmp_path)
    assert parts.names(first).to_pylist() == [name for name, _ in MEMBERS[:7]]
    batches = list(parts.read(first, 3))
    assert [len(names) for names, _ in batches] == [3, 3, 1]
    pairs = [pair for batch in batches for pair in zip(*batch, strict=True)]
    assert pairs == MEMBERS[:7]
    assert [names for names, _ in parts.read(second, 3)] == [[name for name, _ in MEMBERS[7:]]]


def test_no_members(tmp_path):
    assert parts.write(iter([]), tmp_path, 5) == (0, 0)
    with pytest.raises(DataError, match=r"has no part-\*\.parquet; run the extract stage"):
        parts.paths(tmp_path)


def test_bytes_depend_on_members_alone(tmp_path):
    folders = [tmp_path / name for name in ("a", "another")]
    for folder in folders:
        folder.mkdir()
        parts.write(iter(MEMBERS), folder, 4)
    assert digests(folders[0]) == digests(folders[1])


def test_an_error_among_the_members_is_passed_on(tmp_path):
    def members():
        yield from MEMBERS
        raise DataError("damaged")

    with pytest.raises(DataError, match="damaged"):
        parts.write(members(), tmp_path, 4)


def test_row_groups_bound_the_memory(tmp_path):
    """80 members of 1 MiB: groups of 16, and never more than two groups in memory."""
    size = 1 << 20
    arrow = []

    def members():
        for number in range(80):
            arrow.append(pa.total_allocated_bytes())
            yield str(number), number.to_bytes(1, "big") * size

    tracemalloc.start()
    try:
        parts.write(members(), tmp_path, 50)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    found = [pq.read_metadata(path) for path in parts.paths(tmp_path)]
    groups = [[m.row_group(n).num_rows for n in range(m.num_row_groups)] for m in found]
    assert groups == [[16, 16, 16, 2], [16, 14]]
    assert peak < 20 * size
    assert max(arrow) - arrow[0] < 20 * size


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"name": ["a"], "bytes": [bytes(9999)]}, {"compression": "zstd"}, "it is compressed"),
        ({"name": ["a"], "bytes": pa.array([None], pa.binary())}, {}, "without name or content"),
        ({"name": pa.array([None], pa.string()), "bytes": [b"1"]}, {}, "without"),
        ({"name": [1], "bytes": [b"1"]}, {}, "without a name"),
        ({"name": ["a"]}, {}, "is damaged"),
    ],
)
def test_other_files_are_no_parts(tmp_path, table, options, message):
    path = tmp_path / "part-00000.parquet"
    plain = {"compression": "none", "use_dictionary": False} | options
    pq.write_table(pa.table(table), path, **plain)
    with pytest.raises(DataError, match=message):
        [parts.names(path), *parts.read(path, 5)]


def test_a_damaged_part_is_named(tmp_path):
    path = tmp_path / "part-00000.parquet"
    path.write_bytes(b"PAR1" * 9)
    with pytest.raises(DataError, match=r"part-00000\.parquet is damaged"):
        parts.names(path)
