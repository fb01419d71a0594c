"""A model's first layer: its filters, and their responses to images; without TensorFlow.

Both are read from the files that ``train`` writes, and computed as Keras's ``Conv2D`` does.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from pipeline.core import files
from pipeline.core.errors import DataError, one_line, shown
from pipeline.models import weights, weights_file
from pipeline.models.hdf5 import UnreadableError
from pipeline.models.weights_file import ARCHITECTURE, WEIGHTS
from pipeline.report import thumbnails
from pipeline.subsets.images import Dataset

FIRST = "convolution_1"
"""The start of the name of the first convolution; a layer around it may stand before it."""
LARGEST = 16
"""Pixels of a filter's side; larger ones take long to compute, and are not shown."""
EPSILON = np.float32(1e-7)
"""The least deviation that Keras divides by."""
SHOWN = 64
"""Number of filters that are shown at most."""
IMAGES = 10
"""Number of training images that are shown to it, the first of each class."""
BUDGET = 500_000
"""Characters that the pictures of the responses may take."""
BLUE, WHITE, ORANGE = (0, 74, 138), (255, 255, 255), (201, 84, 0)
LEVELS = 31
"""Number of colours on either side of white."""


class FirstLayer(NamedTuple):
    """A convolution on images in [0, 1]."""

    kernel: NDArray[np.float32]
    """Shape (h, w, channels, filters)."""
    bias: NDArray[np.float32]
    """Shape (filters,)."""
    padding: str
    mean: NDArray[np.float32]
    """Subtracted from each channel before; shape (channels,) or (1,)."""
    std: NDArray[np.float32]
    """Each channel is then divided by it; of the same shape."""

    def respond(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the responses of the filters to an image, before the activation.

        Parameters
        ----------
        image : ndarray of float32
            In [0, 1], shape (h, w, c).

        Returns
        -------
        ndarray of float32
            Shape (h, w, filters), or less by the kernel's size where the padding is ``valid``.
        """
        x = (image - self.mean) / self.std
        height, width = self.kernel.shape[:2]
        if self.padding == "same":
            around = [((side - 1) // 2, side // 2) for side in (height, width)]
            x = np.pad(x, (*around, (0, 0)))
        windows = sliding_window_view(x, (height, width), axis=(0, 1))  # (h, w, c, kh, kw)
        products: NDArray[np.float32] = np.einsum("yxcij,ijcf->yxf", windows, self.kernel)
        return products + self.bias


def read(folder: Path) -> FirstLayer | None:
    """Return the first convolution of the model in ``folder``; None if it does not begin with one.

    Raises
    ------
    DataError
        If a file is missing or damaged.
    """
    about = weights_file.configuration(folder)
    files.existing(folder / WEIGHTS, "train")
    with one_line(folder / ARCHITECTURE, "train again"):
        layers = about["keras"]["config"]["layers"]
        convolutions = [layer for layer in layers if layer["class_name"] == "Conv2D"]
        named = [layer for layer in convolutions if layer["config"]["name"].startswith(FIRST)]
        if not convolutions:
            return None
        layer = (named or convolutions)[0]
        before = layers[: layers.index(layer)]
        config = layer["config"]
        plain = config["strides"], config["dilation_rate"], config["groups"]
        if plain != ([1, 1], [1, 1], 1) or config["padding"] not in ("same", "valid"):
            return None
        known = {"InputLayer", "Normalization"}
        if {one["class_name"] for one in before if one not in convolutions} - known:
            return None
        mean, variance = _standardization(before)
    kernel, bias = _weights(folder, config["name"])
    if not {mean.size, variance.size} <= {1, kernel.shape[2]} or max(kernel.shape[:2]) > LARGEST:
        return None
    return FirstLayer(kernel, bias, config["padding"], mean, np.maximum(np.sqrt(variance), EPSILON))


def _weights(folder: Path, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the kernel and the bias of a convolution; zeros if it has none."""
    with weights.opened(folder) as stored:
        layer = {layer.names: layer for layer in stored.layers}.get((name,))
        if layer is None:
            raise UnreadableError(f"is damaged (it lacks the layer {shown(name)})")
        if [len(array.shape) for array in layer.arrays] not in ([4], [4, 1]):
            raise UnreadableError(f"is damaged ({shown(name)} is no convolution)")
        kernel, *biases = (array.read().astype(np.float32) for array in layer.arrays)
        bias = biases[0] if biases else np.zeros(kernel.shape[-1:], np.float32)
        if bias.shape != kernel.shape[-1:] or not kernel.size:
            raise UnreadableError(f"is damaged ({shown(name)} is no convolution)")
        return kernel, bias


def pictures(layer: FirstLayer) -> list[str]:
    """Return the filters as pictures: weights below 0 blue, above 0 orange; of RGB as colours."""
    kernel = layer.kernel[..., :SHOWN]
    largest = float(np.abs(kernel).max()) or 1.0
    if kernel.shape[2] == 3:
        colours = np.rint((kernel / largest + 1) * 127.5).astype(np.uint8)
        return [thumbnails.png(Image.fromarray(one)) for one in np.moveaxis(colours, -1, 0)]
    return [_diverging(one, largest) for one in np.moveaxis(kernel[:, :, 0], -1, 0)]


def responses(layer: FirstLayer, image: NDArray[np.float32]) -> list[str]:
    """Return the response of each filter to an image, as pictures in the same colours."""
    kernel, bias = layer.kernel[..., :SHOWN], layer.bias[:SHOWN]
    values = layer._replace(kernel=kernel, bias=bias).respond(image)
    largest = float(np.abs(values).max()) or 1.0
    return [_diverging(one, largest) for one in np.moveaxis(values, -1, 0)]


def seen(layer: FirstLayer, dataset: Dataset) -> list[dict[str, Any]]:
    """Return training images, the first of each class, each with its ``responses``.

    Raises
    ------
    DataError
        If the layer is of other images.
    """
    height, width, channels = dataset.index.shape
    rows, columns, wanted, _ = layer.kernel.shape
    if wanted != channels or (layer.padding == "valid" and (rows > height or columns > width)):
        raise DataError(f"the model takes other images than {dataset.folder} has; train again")
    train = dataset.split.rows("train")
    _, first = np.unique(dataset.labels()[train], return_index=True)
    shown_rows = train[first][:IMAGES]
    images: list[dict[str, Any]] = []
    left = BUDGET
    for row, image in zip(shown_rows, dataset.take(shown_rows), strict=True):
        maps = responses(layer, image)
        left -= sum(map(len, maps))
        if left < 0 and images:
            break
        images.append(thumbnails.labelled(dataset, int(row), image) | {"responses": maps})
    return images


def _standardization(before: list[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean and variance of the layer that standardizes, among those before."""
    for layer in before:
        if layer["class_name"] == "Normalization":
            both = (np.float32(layer["config"][key]).ravel() for key in ("mean", "variance"))
            mean, variance = both
            if not np.isfinite([*mean, *variance]).all() or variance.min() < 0:
                raise ValueError("its images' mean and variance are no such numbers")
            return mean, variance
    return np.zeros(1, np.float32), np.ones(1, np.float32)


def _diverging(values: NDArray[np.float32], largest: float) -> str:
    """Return values from -largest (blue) over 0 (white) to largest (orange) as a picture."""
    levels = np.rint(values / largest * LEVELS).astype(np.int16) + LEVELS
    picture = Image.fromarray(levels.astype(np.uint8), "P")
    picture.putpalette(_palette().tobytes())
    side = thumbnails.EXACT_SIDE
    if max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.NEAREST)
    return thumbnails.png(picture)


def _palette() -> NDArray[np.uint8]:
    """Return the colours of the levels; shape (2 LEVELS + 1, 3)."""
    share = np.linspace(0, 1, LEVELS + 1)[:, None]
    below = np.array(WHITE) * (1 - share) + np.array(BLUE) * share
    above = np.array(WHITE) * (1 - share) + np.array(ORANGE) * share
    colours: NDArray[np.uint8] = np.rint(np.concatenate([below[:0:-1], above])).astype(np.uint8)
    return colours
