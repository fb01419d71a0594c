import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.shards import shard
from pipeline.shards.columns import schema
from tests.support.shards import SHAPE, write


def test_file_has_the_schema_and_the_given_row_groups(tmp_path):
    path, _ = write(tmp_path, "parquet")
    with pq.ParquetFile(path) as file:
        assert file.schema_arrow.equals(schema(3, SHAPE))
        assert [file.metadata.row_group(n).num_rows for n in range(2)] == [6, 4]
    assert shard.group_rows(path) == [6, 4]


def test_images_are_dictionary_encoded(tmp_path):
    path, _ = write(tmp_path, "parquet")
    group = pq.ParquetFile(path).metadata.row_group(0)
    (image,) = (
        group.column(n)
        for n in range(group.num_columns)
        if group.column(n).path_in_schema.startswith("image")
    )
    assert "RLE_DICTIONARY" in image.encodings


def test_arrow_reads_the_images_as_tensors(tmp_path):
    path, _ = write(tmp_path, "parquet")
    tensor = pq.read_table(path)["image"].combine_chunks().to_numpy_ndarray()
    assert (tensor == np.concatenate(list(shard.images(path, SHAPE)))).all()


def test_row_groups_of_another_size_are_refused(tmp_path):
    path, _ = write(tmp_path, "parquet")
    with pytest.raises(DataError, match=r"part\.parquet is damaged"):
        shard.group_images(path, (4, 4, 3), 0)
