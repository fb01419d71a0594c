import hashlib

import numpy as np
import pyarrow as pa
import pytest

from pipeline.shards.columns import Rows, columns, empty, schema, to_arrow
from tests.support.builders import CLASSES
from tests.support.shards import SHAPE, rows


def test_every_value_of_16_bits_is_the_correctly_rounded_quotient():
    values = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256, 1)
    zero = np.zeros(1, np.int32)
    images = columns(Rows(["a"], zero, zero, values), CLASSES)["image"]
    assert images.dtype == np.float32
    assert (images == (values / np.float64(65535)).astype(np.float32)).all()


@pytest.mark.parametrize("bits", [8, 16])
def test_values_are_those_of_the_rows_and_their_pixels(bits):
    group = rows(200, bits=bits)  # more than are summed at once
    values = columns(group, CLASSES)
    assert values["id"].tolist() == group.ids
    assert values["position"].tolist() == list(range(200))
    assert (values["label"] == group.labels).all()
    assert values["class"].tolist() == [CLASSES[label] for label in group.labels]
    assert (values["one_hot"] == np.eye(len(CLASSES))[group.labels]).all()
    little = group.pixels.astype(group.pixels.dtype.newbyteorder("<"))
    digests = [hashlib.sha256(image.tobytes()).digest() for image in little]
    assert list(map(bytes, values["sha256"])) == digests
    assert (values["pixel_min"] == group.pixels.min(axis=(1, 2, 3))).all()
    assert (values["pixel_max"] == group.pixels.max(axis=(1, 2, 3))).all()
    wide = group.pixels.astype(np.int64)
    assert (values["pixel_sum"] == wide.sum(axis=(1, 2))).all()
    assert (values["pixel_squares"] == (wide**2).sum(axis=(1, 2))).all()


def test_squares_of_16_bits_do_not_overflow():
    full = np.full((1, *SHAPE), 65535, np.uint16)
    zero = np.zeros(1, np.int32)
    values = columns(Rows(["a"], zero, zero, full), CLASSES)
    assert values["pixel_squares"].tolist() == [[20 * 65535**2] * 3]


@pytest.mark.parametrize("n", [0, 3])
def test_every_column_becomes_an_arrow_array_of_its_type(n):
    layout = schema(len(CLASSES), SHAPE)
    values = columns(rows(n), CLASSES) if n else empty(CLASSES, SHAPE)
    assert list(values) == layout.names
    for field in layout:
        array = to_arrow(values[field.name], field.type)
        assert array.type == field.type
        assert len(array) == n


def test_images_are_arrows_canonical_tensor_and_nothing_is_null():
    layout = schema(3, SHAPE)
    names = ["height", "width", "channel"]
    assert layout.field("image").type == pa.fixed_shape_tensor(pa.float32(), SHAPE, names)
    assert not any(field.nullable for field in layout)
