from contextlib import nullcontext

import numpy as np
import pytest

from pipeline.core.errors import ParameterError
from pipeline.train import order
from pipeline.train.params import TrainParams
from tests.support.builders import in_memory, pixels

SHAPE = (8, 8, 1)


def black(n, groups=(0,)):
    return in_memory(np.zeros((n, *SHAPE), np.uint8), np.zeros(n, np.int32), groups)


@pytest.mark.parametrize(
    ("n", "drop", "steps", "used"), [(10, True, 2, 8), (10, False, 3, 10), (8, False, 2, 8)]
)
def test_incomplete_last_batch(n, drop, steps, used):
    params = TrainParams(batch_size=4, drop_remainder=drop)
    assert order.steps(n, params) == steps
    assert order.order(black(n), params, 1, steps).tolist() == list(range(used))


@pytest.mark.parametrize(
    ("n", "batch", "drop", "devices", "refused"),
    [
        (9, 4, False, 2, True),
        (9, 4, True, 2, False),
        (10, 4, False, 2, False),
        (9, 2, True, 4, True),
        (9, 1, False, 2, True),
    ],
)
def test_every_device_has_an_image(n, batch, drop, devices, refused):
    params = TrainParams(batch_size=batch, drop_remainder=drop)
    with pytest.raises(ParameterError, match="cannot be divided") if refused else nullcontext():
        order.check_division(n, params, devices)


def test_order_of_an_epoch_depends_on_seed_and_epoch_alone():
    def rows(seed, epoch):
        params = TrainParams(shuffle=True, seed=seed)
        return order.order(black(20), params, epoch, 1).tolist()

    assert rows(1, 1) == rows(1, 1)
    assert sorted(rows(1, 1)) == list(range(20))
    assert len({tuple(rows(seed, epoch)) for seed in (1, 2) for epoch in (1, 2)}) == 4


def test_order_with_a_buffer_keeps_row_groups_together():
    images = black(100, groups=range(0, 100, 10))
    params = TrainParams(shuffle=True, shuffle_buffer=30)
    found = [order.order(images, params, epoch, 1) for epoch in (1, 2)]
    for rows in found:
        assert sorted(rows) == list(range(100))
        for start in range(0, 90, 30):
            groups = rows[start : start + 30] // 10
            assert len(set(groups)) == 3
            assert list(groups) != sorted(groups)
    assert list(found[0]) != list(found[1])


def images(n):
    labels = (np.arange(n) % 3).astype(np.int32)
    return in_memory(pixels(labels, (8, 8, 1)), labels)


def test_batches_are_in_the_given_order(tensorflow):
    data = images(7)
    rows = np.array([6, 0, 3, 2])
    found = list(order.batches(data, rows, 3))
    assert [len(labels) for _, labels in found] == [3, 1]
    assert (np.concatenate([part for part, _ in found]) == data.pixels[rows]).all()
    assert (np.concatenate([part for _, part in found]) == data.labels[rows]).all()


def test_augmented_batches_are_in_order(tensorflow):
    data = images(40)

    import tensorflow as tf

    def mark(step, pixels, labels):
        return pixels, 100 * tf.cast(step, tf.int32) + labels

    found = [labels.numpy() for _, labels in order.batches(data, np.arange(40), 4, mark)]
    for step, labels in enumerate(found):
        assert (labels == 100 * step + data.labels[4 * step : 4 * step + 4]).all()
