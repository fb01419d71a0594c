import zipfile

import numpy as np
import pyarrow as pa
import pytest

from pipeline.core.errors import DataError
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


def rewritten(path, **changed):
    """Replace arrays of a shard by other bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= {f"{name}.npy": content for name, content in changed.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def header(shape, dtype="'<i4'"):
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "label",
    [
        header((1 << 60,)),
        header((-1, -10)) + bytes(40),
        header((10,)) + bytes(36),
        header((10,)) + bytes(44),
        header((10,), "'|O'") + bytes(80),
        header((1 << 60,), "'<U0'"),
        header((10,), "[('a', '<i4')]") + bytes(40),
        header("(" * 500),
        header("__import__('os').getcwd()"),
        header((10,))[:20],
        b"\x93NUMPY\x07\x00",
        b"",
    ],
)
def test_arrays_that_are_not_as_their_header_says_are_refused(tmp_path, label):
    path, _ = write(tmp_path, "npz")
    rewritten(path, label=label)
    with pytest.raises(DataError, match=r"part\.npz is damaged \(.*\); remove it"):
        shard.column(path, "label", pa.int32()).to_pylist()


def test_compressed_arrays_are_refused(tmp_path):
    path, _ = write(tmp_path, "npz")
    with np.load(path) as arrays:
        np.savez_compressed(path, **dict(arrays))
    with pytest.raises(DataError, match=r"array label is compressed"):
        shard.group_rows(path)
