"""Order: the order of an epoch's training images, and the number of its batches."""

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import ParameterError
from pipeline.subsets.images import Images
from pipeline.train.params import TrainParams


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
