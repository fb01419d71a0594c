import numpy as np

from pipeline.shards import shard
from pipeline.shards.columns import schema
from tests.support.shards import SHAPE, write


def test_columns_are_arrays_without_objects(tmp_path):
    path, _ = write(tmp_path, "npz")
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays) == set(schema(3, SHAPE).names)
        assert arrays["image"].shape == (10, *SHAPE)
        assert arrays["one_hot"].dtype == np.float32


def test_all_rows_are_one_group(tmp_path):
    path, _ = write(tmp_path, "npz")
    assert shard.group_rows(path) == [10]
