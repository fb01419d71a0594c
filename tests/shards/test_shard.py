import hashlib
from itertools import pairwise

import hypothesis.extra.numpy as hnp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.shards import index, shard
from tests.support.builders import CLASSES, pixels

SHAPE = (4, 5, 3)
FORMATS = ["parquet", "npz"]


def rows(n=10, start=0, bits=8):
    labels = np.arange(start, start + n, dtype=np.int32) % len(CLASSES)
    return shard.Rows(
        ids=[f"ü{number}" for number in range(start, start + n)],
        positions=np.arange(start, start + n, dtype=np.int32),
        labels=labels,
        pixels=pixels(labels, SHAPE, bits, seed=start),
    )


def write(folder, suffix, groups=None):
    path = folder / f"part.{suffix}"
    return path, shard.write(path, groups or [rows(6), rows(4, start=6)], CLASSES, SHAPE)


def column(path, name):
    kind = shard.schema(len(CLASSES), SHAPE).field(name).type
    return shard.column(path, name, kind)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("bits", [8, 16])
def test_images_are_the_integers_by_their_types_maximum(tmp_path, suffix, bits):
    group = rows(bits=bits)
    path, _ = write(tmp_path, suffix, [group])
    (images,) = shard.images(path, SHAPE)
    assert images.dtype == np.float32
    assert (images == (group.pixels / (2**bits - 1)).astype(np.float32)).all()


def test_every_value_of_16_bits_is_the_correctly_rounded_quotient():
    values = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256, 1)
    one = np.zeros(1, np.int32)
    (found,) = (shard._columns(shard.Rows(["a"], one, one, values), CLASSES)["image"],)
    assert (found == (values / np.float64(65535)).astype(np.float32)).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_columns(tmp_path, suffix):
    path, written = write(tmp_path, suffix)
    groups = [rows(6), rows(4, start=6)]
    whole = np.concatenate([group.pixels for group in groups])
    labels = np.arange(10) % 3
    assert written.rows == 10
    assert column(path, "id").to_pylist() == [f"ü{n}" for n in range(10)]
    assert column(path, "position").to_pylist() == list(range(10))
    assert column(path, "label").to_pylist() == labels.tolist()
    assert column(path, "class").to_pylist() == [CLASSES[label] for label in labels]
    assert column(path, "one_hot").to_pylist() == np.eye(3)[labels].tolist()
    assert column(path, "sha256").to_pylist() == [
        hashlib.sha256(image.tobytes()).digest() for image in whole
    ]
    assert column(path, "pixel_min").to_pylist() == whole.min(axis=(1, 2, 3)).tolist()
    assert column(path, "pixel_max").to_pylist() == whole.max(axis=(1, 2, 3)).tolist()
    wide = whole.astype(np.int64)
    assert column(path, "pixel_sum").to_pylist() == wide.sum(axis=(1, 2)).tolist()
    assert column(path, "pixel_squares").to_pylist() == (wide**2).sum(axis=(1, 2)).tolist()


def test_squares_of_16_bits_do_not_overflow(tmp_path):
    full = np.full((1, *SHAPE), 65535, np.uint16)
    one = np.zeros(1, np.int32)
    path, _ = write(tmp_path, "parquet", [shard.Rows(["a"], one, one, full)])
    assert column(path, "pixel_squares").to_pylist() == [[20 * 65535**2] * 3]


IMAGES = st.tuples(
    st.sampled_from([np.uint8, np.uint16]),
    st.tuples(st.integers(1, 12), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3])),
).flatmap(lambda of: hnp.arrays(*of))


@settings(max_examples=40)
@given(images=IMAGES, data=st.data())
def test_images_come_back_bit_for_bit_however_they_are_divided(tmp_path_factory, images, data):
    """Through both formats, against NumPy; the identity is that of the images alone."""
    folder = tmp_path_factory.getbasetemp()
    n, *shape = images.shape
    shape = tuple(shape)
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0"))  # no archive has it
    names = data.draw(st.lists(text, min_size=n, max_size=n))
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), np.int32)
    whole = shard.Rows(names, np.arange(n, dtype=np.int32), labels, images)
    cuts = sorted(data.draw(st.sets(st.integers(1, n - 1)))) if n > 1 else []
    edges = list(pairwise([0, *cuts, n]))
    groups = [shard.Rows(*(column[a:b] for column in whole)) for a, b in edges]
    expected = images.astype(np.float64) / np.iinfo(images.dtype).max
    wanted = np.array(data.draw(st.lists(st.integers(0, n - 1))), np.int64)
    identities = set()
    for suffix in FORMATS:
        for division in ([whole], groups):
            path = folder / f"part.{suffix}"
            written = shard.write(path, division, CLASSES, shape)
            assert written.rows == n
            identities |= {written.identity, shard.identity(path)}
            found = np.concatenate(list(shard.images(path, shape)))
            assert found.dtype == np.float32
            assert (found == expected.astype(np.float32)).all()
            assert (shard.take(path, shape, wanted) == found[wanted]).all()
            maximum = np.iinfo(images.dtype).max
            assert (index.integers(found, maximum) == images).all()
            for name, values in (("id", names), ("label", labels.tolist())):
                kind = shard.schema(len(CLASSES), shape).field(name).type
                assert shard.column(path, name, kind).to_pylist() == values
    assert len(identities) == 1


def test_identity_is_id_label_and_pixels(tmp_path):
    identities = {write(tmp_path, suffix)[1].identity for suffix in FORMATS}
    assert len(identities) == 1
    group = rows(6)
    for changed in (
        group._replace(ids=["other", *group.ids[1:]]),
        group._replace(labels=group.labels[::-1].copy()),
        group._replace(pixels=group.pixels ^ 1),
    ):
        assert write(tmp_path, "parquet", [changed, rows(4, start=6)])[1].identity not in identities


def test_parquet_is_arrows_tensor_dictionary_encoded_in_the_given_groups(tmp_path):
    path, _ = write(tmp_path, "parquet")
    table = pq.read_table(path)
    assert table.schema.equals(shard.schema(3, SHAPE))
    assert table.schema.field("image").type == pa.fixed_shape_tensor(
        pa.float32(), SHAPE, ["height", "width", "channel"]
    )
    assert not any(field.nullable for field in table.schema)
    metadata = pq.ParquetFile(path).metadata
    assert [metadata.row_group(n).num_rows for n in range(2)] == [6, 4]
    image = next(
        metadata.row_group(0).column(n)
        for n in range(metadata.num_columns)
        if metadata.row_group(0).column(n).path_in_schema.startswith("image")
    )
    assert "RLE_DICTIONARY" in image.encodings
    tensor = table["image"].combine_chunks().to_numpy_ndarray()
    assert (tensor == np.concatenate(list(shard.images(path, SHAPE)))).all()


def test_npz_holds_no_objects(tmp_path):
    path, _ = write(tmp_path, "npz")
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays) == set(shard.schema(3, SHAPE).names)
        assert arrays["image"].shape == (10, *SHAPE)
        assert arrays["one_hot"].dtype == np.float32


@pytest.mark.parametrize("suffix", FORMATS)
def test_same_rows_give_same_bytes(tmp_path, suffix):
    first = write(tmp_path, suffix)[0].read_bytes()
    assert write(tmp_path, suffix)[0].read_bytes() == first


@pytest.mark.parametrize("suffix", FORMATS)
def test_take_gives_rows_in_the_order_asked(tmp_path, suffix):
    path, _ = write(tmp_path, suffix)
    whole = np.concatenate(list(shard.images(path, SHAPE)))
    for wanted in ([9, 0, 5, 6, 0], [], [3]):
        assert (shard.take(path, SHAPE, np.array(wanted, np.int64)) == whole[wanted]).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_shard_without_rows(tmp_path, suffix):
    path = tmp_path / f"part.{suffix}"
    assert shard.write(path, [], CLASSES, SHAPE) == (0, b"")
    assert sum(len(group) for group in shard.images(path, SHAPE)) == 0
    assert column(path, "id").to_pylist() == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_missing_shard_says_what_to_run(tmp_path, suffix):
    with pytest.raises(DataError, match="missing; run the decode stage"):
        list(shard.images(tmp_path / f"part.{suffix}", SHAPE))


def test_row_groups_are_bounded_in_rows_and_bytes():
    assert shard.row_group_rows((32, 32, 3)) == 1000
    assert shard.row_group_rows((1000, 1000, 3)) == 2
    assert shard.row_group_rows((9000, 9000, 3)) == 1
