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
from pipeline.shards.columns import Rows, columns, schema
from tests.support.builders import CLASSES
from tests.support.shards import SHAPE, rows, write

FORMATS = list(shard.FORMATS)


def column(path, name):
    return shard.column(path, name, schema(len(CLASSES), SHAPE).field(name).type)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("bits", [8, 16])
def test_images_are_the_integers_by_their_types_maximum(tmp_path, suffix, bits):
    group = rows(bits=bits)
    path, _ = write(tmp_path, suffix, [group])
    (images,) = shard.images(path, SHAPE)
    assert images.dtype == np.float32
    assert (images == (group.pixels / (2**bits - 1)).astype(np.float32)).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_column_is_read_as_it_was_written(tmp_path, suffix):
    path, written = write(tmp_path, suffix)
    assert written.rows == 10
    groups = [columns(group, CLASSES) for group in (rows(6), rows(4, start=6))]
    for name in groups[0].keys() - {"image", "sha256"}:
        values = np.concatenate([group[name] for group in groups])
        assert column(path, name).to_pylist() == values.tolist()
    digests = [bytes(digest) for group in groups for digest in group["sha256"]]
    assert column(path, "sha256").to_pylist() == digests


IMAGES = st.tuples(
    st.sampled_from([np.uint8, np.uint16]),
    st.tuples(st.integers(1, 12), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3])),
).flatmap(lambda arguments: hnp.arrays(*arguments))


@settings(max_examples=40)
@given(images=IMAGES, data=st.data())
def test_images_come_back_bit_for_bit_however_they_are_divided(tmp_path_factory, images, data):
    """All formats agree with NumPy, and the identity depends on the rows alone."""
    folder = tmp_path_factory.getbasetemp()
    n, *sides = images.shape
    shape = tuple(sides)
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0"))  # no archive has it
    names = data.draw(st.lists(text, min_size=n, max_size=n))
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), np.int32)
    whole = Rows(names, np.arange(n, dtype=np.int32), labels, images)
    cuts = sorted(data.draw(st.sets(st.integers(1, n - 1)))) if n > 1 else []
    edges = list(pairwise([0, *cuts, n]))
    groups = [Rows(*(values[a:b] for values in whole)) for a, b in edges]
    maximum = np.iinfo(images.dtype).max
    expected = (images.astype(np.float64) / maximum).astype(np.float32)
    wanted = np.array(data.draw(st.lists(st.integers(0, n - 1))), np.int64)
    identities = set()
    for suffix in FORMATS:
        for division in ([whole], groups):
            path = folder / f"part.{suffix}"
            written = shard.write(path, division, CLASSES, shape)
            assert written.rows == n
            identities |= {written.identity, shard.identity(path)}
            read = np.concatenate(list(shard.images(path, shape)))
            assert read.dtype == np.float32
            assert (read == expected).all()
            assert (shard.take(path, shape, wanted) == expected[wanted]).all()
            assert (index.integers(read, maximum) == images).all()
            for name, values in (("id", names), ("label", labels.tolist())):
                kind = schema(len(CLASSES), shape).field(name).type
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


@pytest.mark.parametrize("suffix", FORMATS)
def test_same_rows_give_same_bytes(tmp_path, suffix):
    first = write(tmp_path, suffix)[0].read_bytes()
    assert write(tmp_path, suffix)[0].read_bytes() == first


@pytest.mark.parametrize("suffix", FORMATS)
def test_take_returns_rows_in_the_given_order(tmp_path, suffix):
    path, _ = write(tmp_path, suffix)
    whole = np.concatenate(list(shard.images(path, SHAPE)))
    for wanted in ([9, 0, 5, 6, 0], [], [3]):
        assert (shard.take(path, SHAPE, np.array(wanted, np.int64)) == whole[wanted]).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_groups_together_are_all_images(tmp_path, suffix):
    path, _ = write(tmp_path, suffix)
    groups = [shard.group_images(path, SHAPE, n) for n in range(len(shard.group_rows(path)))]
    assert [len(group) for group in groups] == shard.group_rows(path)
    assert (np.concatenate(groups) == np.concatenate(list(shard.images(path, SHAPE)))).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_shard_without_rows(tmp_path, suffix):
    path, written = write(tmp_path, suffix, [])
    assert written == (0, b"")
    assert sum(len(group) for group in shard.images(path, SHAPE)) == 0
    assert column(path, "id").to_pylist() == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_missing_shard_says_what_to_run(tmp_path, suffix):
    with pytest.raises(DataError, match="missing; run the decode stage"):
        list(shard.images(tmp_path / f"part.{suffix}", SHAPE))


@pytest.mark.parametrize("suffix", [*FORMATS, "txt"])
def test_damaged_shard_says_what_to_do(tmp_path, suffix):
    path = tmp_path / f"part.{suffix}"
    path.write_bytes(b"PK no")
    for read in (
        lambda: shard.group_rows(path),
        lambda: shard.identity(path),
        lambda: shard.take(path, SHAPE, np.array([0])),
        lambda: list(shard.images(path, SHAPE)),
    ):
        with pytest.raises(DataError, match=r"is damaged \(.+\); remove it and run dvc repro"):
            read()


@pytest.mark.parametrize("suffix", FORMATS)
def test_shard_without_a_column_is_damaged(tmp_path, suffix):
    path, _ = write(tmp_path, suffix)
    with pytest.raises(DataError, match="is damaged"):
        shard.column(path, "weight", schema(3, SHAPE).field("label").type)


def test_row_groups_are_bounded_in_rows_and_bytes():
    assert shard.row_group_rows((32, 32, 3)) == 1000
    assert shard.row_group_rows((1000, 1000, 3)) == 2
    assert shard.row_group_rows((9000, 9000, 3)) == 1


@pytest.mark.parametrize(("name", "value"), [("label", -1), ("id", None), ("sha256", None)])
def test_rows_that_have_no_identity_are_damaged(tmp_path, name, value):
    path, _ = write(tmp_path, "parquet")
    table = pq.read_table(path)
    values = pa.array([value] * len(table), table[name].type)
    pq.write_table(table.set_column(table.schema.get_field_index(name), name, values), path)
    with pytest.raises(DataError, match=r"is damaged .*; remove it and run dvc repro"):
        shard.identity(path)
