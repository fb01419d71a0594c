"""The cost of a network: multiply-adds for an image, from ``architecture.json`` alone."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.core import files
from pipeline.core.errors import one_line


class Cost(NamedTuple):
    """What a network takes."""

    parameters: int
    multiply_adds: int
    """For an image."""


def read(folder: Path) -> Cost:
    """Return the cost of the model in a folder.

    Raises
    ------
    DataError
        If its ``architecture.json`` is missing or damaged.
    """
    path = folder / "architecture.json"
    architecture = files.read_json(path)
    with one_line(path, "train again (dvc repro)"):
        parameters = architecture["parameters"]
        if not isinstance(parameters, int) or parameters < 0:
            raise ValueError("parameters is no number")
        return Cost(parameters, multiply_adds(architecture))


def multiply_adds(architecture: Mapping[str, Any]) -> int:
    """Return the multiplications, each with its addition, for the logits of one image.

    Those of convolutions and dense layers are counted, as is customary. Additions of biases,
    normalization, activation and pooling are not.

    Parameters
    ----------
    architecture : mapping
        ``architecture.json``, which has Keras's configuration of the network under ``keras``.

    Raises
    ------
    DataError
        If it has no layers, or they are not Keras's.

    Examples
    --------
    A 3x3 convolution from 1 to 2 channels on 8x8 pixels, then a dense layer to 10 classes:

    >>> layer = {"filters": 2, "kernel_size": [3, 3], "padding": "same", "strides": [1, 1]}
    >>> convolution = {
    ...     "class_name": "Conv2D",
    ...     "config": layer,
    ...     "build_config": {"input_shape": [None, 8, 8, 1]},
    ... }
    >>> dense = {
    ...     "class_name": "Dense",
    ...     "config": {"units": 10},
    ...     "build_config": {"input_shape": [None, 2]},
    ... }
    >>> multiply_adds({"keras": {"config": {"layers": [convolution, dense]}}})
    1172
    """
    with one_line("architecture.json", "train again (dvc repro)"):
        return sum(_costs(architecture["keras"]["config"]["layers"]))


def _costs(layers: list[Mapping[str, Any]]) -> Iterator[int]:
    """Yield the multiply-adds of each layer that is counted."""
    for layer in layers:
        config = layer["config"]
        if layer["class_name"] == "Dense":
            yield layer["build_config"]["input_shape"][-1] * config["units"]
        if layer["class_name"] == "Conv2D":
            _, *sides, channels = layer["build_config"]["input_shape"]
            pixels = [
                _places(*side, config["padding"])
                for side in zip(sides, config["kernel_size"], config["strides"], strict=True)
            ]
            each = math.prod(config["kernel_size"]) * channels * config["filters"]
            yield math.prod(pixels) * each


def _places(side: int, kernel: int, stride: int, padding: str) -> int:
    """Return the number of places along a side where a filter is applied."""
    return -(-(side if padding == "same" else side - kernel + 1) // stride)
