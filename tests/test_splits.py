import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import splits
from pipeline.errors import DataError

IDS = pa.chunked_array([pa.array(["a", "b", "c", "d"])])
SPLIT = splits.Split(IDS, np.array([2, 0, 1, 0], np.int8))


def test_rows_of_a_subset():
    assert SPLIT.rows("train").tolist() == [1, 3]
    assert SPLIT.rows("validation").tolist() == [2]
    assert SPLIT.rows("test").tolist() == [0]


def test_file_holds_id_and_subset(tmp_path):
    path = tmp_path / "new" / "split.parquet"
    splits.write(path, SPLIT)
    assert pq.read_table(path).to_pydict() == {
        "id": ["a", "b", "c", "d"],
        "subset": ["test", "train", "validation", "train"],
    }
    found = splits.read(path)
    assert found.ids.equals(IDS)
    assert (found.subsets == SPLIT.subsets).all()
    before = path.read_bytes()
    splits.write(path, SPLIT)
    assert path.read_bytes() == before


def test_missing_damaged_and_foreign_files_are_named(tmp_path):
    path = tmp_path / "split.parquet"
    with pytest.raises(DataError, match="missing; run the split stage"):
        splits.read(path)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="is damaged"):
        splits.read(path)
    pq.write_table(pa.table({"id": ["a"], "subset": ["holdout"]}), path)
    with pytest.raises(DataError, match="subsets other than train, validation, test"):
        splits.read(path)
