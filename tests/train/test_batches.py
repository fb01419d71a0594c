import numpy as np
import pytest
import tensorflow as tf

from pipeline.train.batches import batches
from tests.support.builders import in_memory, pixels

pytestmark = pytest.mark.usefixtures("tensorflow")


def images(n):
    labels = (np.arange(n) % 3).astype(np.int32)
    return in_memory(pixels(labels, (8, 8, 1)), labels)


def test_batches_are_in_the_given_order():
    data = images(7)
    order = np.array([6, 0, 3, 2])
    found = list(batches(data, order, 3))
    assert [len(labels) for _, labels in found] == [3, 1]
    assert (np.concatenate([part for part, _ in found]) == data.pixels[order]).all()
    assert (np.concatenate([part for _, part in found]) == data.labels[order]).all()


def test_augmented_batches_are_in_order():
    data = images(40)

    def mark(step, pixels, labels):
        return pixels, 100 * tf.cast(step, tf.int32) + labels

    found = [labels.numpy() for _, labels in batches(data, np.arange(40), 4, mark)]
    for step, labels in enumerate(found):
        assert (labels == 100 * step + data.labels[4 * step : 4 * step + 4]).all()
