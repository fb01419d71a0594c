import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.subsets import split

IDS = pa.chunked_array([pa.array(["a", "b", "c", "d"])])
SPLIT = split.Split(IDS, np.array([2, 0, 1, 0], np.int8))


def test_rows_of_a_subset():
    assert SPLIT.rows("train").tolist() == [1, 3]
    assert SPLIT.rows("validation").tolist() == [2]
    assert SPLIT.rows("test").tolist() == [0]


def test_file_holds_id_and_subset(tmp_path):
    path = tmp_path / "new" / "split.parquet"
    split.write(path, SPLIT)
    assert pq.read_table(path).to_pydict() == {
        "id": ["a", "b", "c", "d"],
        "subset": ["test", "train", "validation", "train"],
    }
    found = split.read(path)
    assert found.ids.equals(IDS)
    assert (found.subsets == SPLIT.subsets).all()
    before = path.read_bytes()
    split.write(path, SPLIT)
    assert path.read_bytes() == before


def test_missing_damaged_and_foreign_files_are_named(tmp_path):
    path = tmp_path / "split.parquet"
    with pytest.raises(DataError, match="missing; run the split stage"):
        split.read(path)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="is damaged"):
        split.read(path)
    pq.write_table(pa.table({"id": ["a"], "subset": ["holdout"]}), path)
    with pytest.raises(DataError, match="subsets other than train, validation, test"):
        split.read(path)


@settings(max_examples=50)
@given(
    rows=st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.integers(0, 2))),
    chunk=st.integers(1, 5),
)
def test_round_trip(tmp_path_factory, rows, chunk):
    """Ids and subsets come back in order, and the bytes do not depend on the ids' chunks."""
    path = tmp_path_factory.getbasetemp() / "split.parquet"
    ids = [name for name, _ in rows]
    subsets = np.array([subset for _, subset in rows], np.int8)
    whole = pa.chunked_array([pa.array(ids, pa.string())])
    split.write(path, split.Split(whole, subsets))
    found = split.read(path)
    assert found.ids.to_pylist() == ids
    assert found.subsets.tolist() == subsets.tolist()
    taken = np.concatenate([found.rows(subset) for subset in split.SUBSETS])
    assert sorted(taken) == list(range(len(rows)))
    before = path.read_bytes()
    pieces = [whole.chunk(0)[n : n + chunk] for n in range(0, len(ids), chunk)]
    split.write(path, split.Split(pa.chunked_array(pieces, pa.string()), subsets))
    assert path.read_bytes() == before
