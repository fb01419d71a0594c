"""Batches: the images of an epoch, or their rows, in its order, as ``tf.data``."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.subsets.images import Images, InMemory

AUGMENTED_AT_ONCE = 2
"""Batches augmented in parallel; their order and content do not depend on it."""

Augment = Callable[[Any, Any, Any], tuple[Any, Any]]
"""A function of a step's number, images and labels, which returns changed images and labels."""


def row_batches(order: NDArray[np.int64], batch: int) -> tf.data.Dataset:
    """Return batches of rows in ``order``; the last may be shorter."""
    return _plain(tf.data.Dataset.from_tensor_slices(order).batch(batch))


def batches(
    images: Images, order: NDArray[np.int64], batch: int, augment: Augment | None = None
) -> tf.data.Dataset:
    """Return batches of (pixels, labels) in ``order``; the last may be shorter."""
    if isinstance(images, InMemory):
        pixels, labels = tf.constant(images.pixels), tf.constant(images.labels)
        rows = row_batches(order, batch)
        data = rows.map(lambda rows: (tf.gather(pixels, rows), tf.gather(labels, rows)))
    else:
        data = tf.data.Dataset.from_generator(
            lambda: images.batches(order, batch),
            output_signature=(
                tf.TensorSpec((None, *images.shape), images.dtype),
                tf.TensorSpec((None,), tf.int32),
            ),
        )
    if augment:
        data = data.enumerate().map(lambda step, batch: augment(step, *batch), AUGMENTED_AT_ONCE)
    return _plain(data.prefetch(2))


def _plain(data: tf.data.Dataset) -> tf.data.Dataset:
    """Return the dataset in deterministic order, without autotuning, divided by its elements."""
    options = tf.data.Options()
    options.deterministic = True
    # Its thread is often not woken when an iterator is done, and the epoch waits for it, idle.
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return data.with_options(options)
