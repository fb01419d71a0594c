from contextlib import nullcontext

import numpy as np
import pytest

from pipeline.core.errors import ParameterError
from pipeline.train import order
from pipeline.train.params import TrainParams
from tests.support.builders import in_memory

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
