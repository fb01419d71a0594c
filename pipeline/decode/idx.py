"""Decoding of IDX files into shards, each of a range of rows."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError
from pipeline.decode import write
from pipeline.decode.params import IdxDecode
from pipeline.decode.write import layout_of
from pipeline.execution import fingerprint
from pipeline.images import idx
from pipeline.shards import shard
from pipeline.shards.columns import Rows, Shape
from pipeline.shards.index import Quarantined


def decode_idx(source: Path, params: IdxDecode, folder: Path) -> str:
    """Decode the IDX files in ``source`` into shards in ``folder``.

    Rows are the training images, then the test images, if there are any, with ids
    ``train-<position>`` and ``test-<position>``.

    Returns
    -------
    str
        Numbers of images, shards and bytes, for the console.

    Raises
    ------
    DataError
        If images are not uint8 of shape (n, h, w) or (n, h, w, 1 or 3), labels are not integers of
        shape (n,), the numbers differ, or a label is outside the classes.
    """
    subsets = ["train"]
    if (source / "test-images.idx").exists():
        subsets.append("test")
    pairs = {subset: _idx_pair(source, subset, params) for subset in subsets}
    shape = _idx_shape(source, params.transpose, *(pixels for pixels, _ in pairs.values()))
    tasks = [
        IdxTask(
            subset,
            _idx_images(source, subset),
            start,
            targets[start:][: params.shard_rows],
            shape,
            params.transpose,
        )
        for subset, (pixels, targets) in pairs.items()
        for start in range(0, len(pixels), params.shard_rows)
    ]
    return write.write_shards(tasks, folder, layout_of(params, shape, divisor=255))


class IdxTask(NamedTuple):
    """A shard of a range of an IDX file's images."""

    subset: str
    path: Path
    start: int
    """Position of the first image."""
    targets: NDArray[np.int32]
    """The images' labels."""
    shape: Shape
    transpose: bool = False
    """Rows and columns of each image are exchanged."""

    def key(self) -> str:
        """Return the SHA-256 of the pixels, the labels, and what the ids are made from."""
        return fingerprint.key(self.subset, str(self.start), self._pixels().data, self.targets.data)

    def groups(self, _: list[Quarantined], __: Counter[str]) -> Iterator[Rows]:
        """Yield the row groups."""
        pixels = self._pixels().reshape(-1, *self.shape)
        step = shard.row_group_rows(self.shape)
        for first in range(0, len(self.targets), step):
            targets = self.targets[first : first + step]
            positions = np.arange(len(targets), dtype=np.int32) + np.int32(self.start + first)
            yield Rows(
                ids=[f"{self.subset}-{position}" for position in positions],
                positions=positions,
                labels=targets,
                pixels=pixels[first : first + step],
            )

    def _pixels(self) -> NDArray[np.uint8]:
        pixels = idx.memmap(self.path)[self.start : self.start + len(self.targets)]
        return transposed(pixels) if self.transpose else pixels


def transposed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images, (n, h, w) or (n, h, w, c), with rows and columns exchanged."""
    return np.ascontiguousarray(pixels.swapaxes(1, 2))


def labels_of(
    numbers: NDArray[Any], params: IdxDecode, path: Path
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return the numbers of an IDX file of labels, and the label that each stands for.

    Parameters
    ----------
    numbers : ndarray, shape (n,) or (n, columns)
        As they stand in the file.
    params : IdxDecode
    path : Path
        The file, for messages.

    Returns
    -------
    numbers : ndarray of integers, shape (n,)
    labels : ndarray of int32, shape (n,)
        -1 for a number that stands for no class.

    Raises
    ------
    DataError
        If the numbers are no integers, or of another shape than ``decode.label_column`` says.
    """
    column = params.label_column
    if column is not None and numbers.ndim == 2 and column < numbers.shape[1]:
        numbers = numbers[:, column]
    elif column is not None:
        raise DataError(
            f"{path}: has no column {column} (decode.label_column), but the shape {numbers.shape}"
        )
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        raise DataError(
            f"{path}: labels must be integers of shape (n,), got {numbers.dtype.name} of shape "
            f"{numbers.shape}"
        )
    values = params.label_values or range(len(params.classes))
    known, order = np.unique(np.array(values, np.int64), return_index=True)
    at = np.searchsorted(known, numbers).clip(max=len(known) - 1)
    return numbers, np.where(known[at] == numbers, order[at], -1).astype(np.int32)


def _idx_images(source: Path, subset: str) -> Path:
    return source / f"{subset}-images.idx"


def _idx_pair(
    source: Path, subset: str, params: IdxDecode
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return a subset's images, which are mapped and not read, and its labels."""
    path = _idx_images(source, subset)
    pixels = idx.memmap(path)
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
        raise DataError(
            f"{path}: images must be uint8 of shape (n, height, width) or (n, height, width, "
            f"channels), got {pixels.dtype.name} of shape {pixels.shape}"
        )
    path = source / f"{subset}-labels.idx"
    numbers, targets = labels_of(idx.memmap(path), params, path)
    if len(targets) != len(pixels):
        raise DataError(
            f"{path}: has {len(targets):,} labels, but there are {len(pixels):,} images"
        )
    wrong = np.flatnonzero(targets < 0)
    if len(wrong):
        key = "decode.classes" if params.label_values is None else "decode.label_values"
        raise DataError(
            f"{path}: {len(wrong):,} labels are outside the {len(params.classes)} classes, the "
            f"first is {numbers[wrong[0]]} at position {wrong[0]}; declare the class under {key} "
            "in params.yaml"
        )
    return pixels, targets


def _idx_shape(
    source: Path, transpose: bool, train: NDArray[np.uint8], *test: NDArray[np.uint8]
) -> Shape:
    """Return the height, width and channels of all subsets' images, as they will be."""
    train_shape, *test_shapes = ((*array.shape[1:], 1)[:3] for array in (train, *test))
    for test_shape in test_shapes:
        if train_shape != test_shape:
            raise DataError(
                f"{source}: training images are of shape {train_shape}, test images of {test_shape}"
            )
    height, width, channels = train_shape
    if channels not in (1, 3) or not height or not width:
        raise DataError(f"{source}: images of shape {train_shape} are neither grey nor RGB")
    return (width, height, channels) if transpose else (height, width, channels)
