"""Order: the order of an epoch's training images, and its batches.

TensorFlow is imported where batches are made, once the runtime is configured.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import ParameterError
from pipeline.subsets.images import Images, InMemory
from pipeline.train.params import TrainParams

if TYPE_CHECKING:
    import tensorflow as tf

AUGMENTED_AT_ONCE = 2
"""Batches augmented in parallel; their order and content do not depend on it."""

Augment = Callable[[Any, Any, Any], tuple[Any, Any]]
"""A function of a step's number, images and labels, which returns changed images and labels."""


def order(images: Images, params: TrainParams, epoch: int, steps: int) -> NDArray[np.int64]:
    """Return the rows of the training images of an epoch, in order: int64[images].

    The order depends on (seed, epoch) and the shards alone. With a ``shuffle_buffer`` the images
    stay near those of their row group, so that they can be read from disk: the groups are permuted,
    then the images within each run of so many.
    """
    rows = np.arange(len(images.labels))
    if params.shuffle:
        chance = np.random.default_rng([params.seed, epoch])
        if params.shuffle_buffer is None:
            rows = chance.permutation(rows)
        else:
            groups = np.split(rows, images.group_starts[1:])
            rows = np.concatenate([groups[n] for n in chance.permutation(len(groups))])
            for start in range(0, len(rows), params.shuffle_buffer):
                chance.shuffle(rows[start : start + params.shuffle_buffer])
    return rows[: steps * params.batch_size]


def steps(n: int, params: TrainParams) -> int:
    """Return the number of batches in an epoch of ``n`` images.

    Raises
    ------
    ParameterError
        If incomplete batches are left out, and the only batch is incomplete.
    """
    if not params.drop_remainder:
        return math.ceil(n / params.batch_size)
    if n < params.batch_size:
        raise ParameterError(
            f"train.batch_size is {params.batch_size:,}, but there are only {n:,} training images; "
            "choose a smaller one, or drop_remainder: false"
        )
    return n // params.batch_size


def check_division(n: int, params: TrainParams, devices: int) -> None:
    """Refuse a batch that leaves a device without an image, on which oneDNN crashes.

    Raises
    ------
    ParameterError
        If a batch has fewer images than there are devices.
    """
    sizes = [min(n, params.batch_size), 0 if params.drop_remainder else n % params.batch_size]
    least = min(size for size in sizes if size)
    if least < devices:
        raise ParameterError(
            f"a batch of {least:,} images cannot be divided among {devices} devices; change "
            "train.batch_size, or set drop_remainder: true"
        )


def row_batches(order: NDArray[np.int64], batch: int) -> "tf.data.Dataset":
    """Return batches of rows in ``order``; the last may be shorter."""
    import tensorflow as tf

    return _plain(tf.data.Dataset.from_tensor_slices(order).batch(batch))


def batches(
    images: Images, order: NDArray[np.int64], batch: int, augment: Augment | None = None
) -> "tf.data.Dataset":
    """Return batches of (pixels, labels) in ``order``; the last may be shorter."""
    import tensorflow as tf

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


def _plain(data: "tf.data.Dataset") -> "tf.data.Dataset":
    """Return the dataset in deterministic order, without autotuning, divided by its elements."""
    import tensorflow as tf

    options = tf.data.Options()
    options.deterministic = True
    # Its thread is often not woken when an iterator is done, and the epoch waits for it, idle.
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return data.with_options(options)
