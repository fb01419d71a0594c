"""A network's layers and what they cost: shapes, parameters, products; without TensorFlow.

They are read from the files that ``train`` writes: the configuration has the shape of every
tensor that goes from a layer to the next, the weights have those of the kernels.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.core import files
from pipeline.core.errors import one_line, shown
from pipeline.models import weights, weights_file
from pipeline.models.weights_file import ARCHITECTURE, WEIGHTS

Shape = tuple[int | None, ...]
"""Without the batch; None for a side that may have any length."""
Names = tuple[str, ...]
Config = Mapping[str, Any]

KERNELS = {"Conv1D", "Conv2D", "Conv3D", "Dense", "DepthwiseConv1D", "DepthwiseConv2D"}
KERNELS |= {"SeparableConv1D", "SeparableConv2D"}
"""Layers that apply their kernels at each position of their output."""
STATISTICS = {"BatchNormalization": 2, "Normalization": 3}
"""Number of a layer's last arrays that are measured, not trained."""
SAME = {"Activation", "Dropout", "GaussianNoise", "LayerScale", "LeakyReLU", "PReLU", "ReLU"}
SAME |= {"Rescaling", "Softmax", "SpatialDropout2D", *STATISTICS, "LayerNormalization"}
"""Layers whose output has the shape of their input."""
PART = "seed_generator"
"""The part of a layer that holds the state of its random numbers, no parameters."""


class Layer(NamedTuple):
    """A layer of a network, or of a network within it."""

    names: Names
    """Its name after those of the networks that it stands in."""
    kind: str
    """Its class in Keras."""
    settings: str
    """What its products and its shape depend on, in words."""
    shape: Shape | None
    """Of its output; None if the configuration does not tell it."""
    parameters: int
    trained: int
    """Those among the parameters that training changes."""
    products: int | None
    """Multiplications, each with an addition, for one image, biases apart; None if unknown."""


class _Described(NamedTuple):
    """What the configuration tells of a layer."""

    names: Names
    kind: str
    config: Config
    inputs: Shape | None
    shape: Shape | None
    uses: int
    """How often it is applied to an image."""


def read(folder: Path, classes: int) -> list[Layer]:
    """Return the layers of the model in ``folder``, in the network's order.

    Parameters
    ----------
    classes : int
        Number of the model's outputs.

    Raises
    ------
    DataError
        If a file is missing or damaged.
    """
    about = weights_file.configuration(folder)
    files.existing(folder / WEIGHTS, "train")
    with one_line(folder / ARCHITECTURE, "train again"):
        described = list(_described(about["keras"], (classes,)))
    arrays: dict[Names, list[Sequence[int]]] = {}
    known = {one.names for one in described}
    with weights.opened(folder) as stored:
        for layer in stored.layers:
            if layer.names[-1:] != (PART,):
                owner = _owner(layer.names, known)
                arrays.setdefault(owner, []).extend(array.shape for array in layer.arrays)
    with one_line(folder / ARCHITECTURE, "train again"):
        return [_layer(one, arrays.get(one.names, [])) for one in described]


def _owner(names: Names, known: set[Names]) -> Names:
    """Return the names of the layer that a part belongs to, or that it is."""
    for end in range(len(names), 0, -1):
        if names[:end] in known:
            return names[:end]
    return names


def _described(model: Config, output: Shape | None, prefix: Names = ()) -> Iterator[_Described]:
    """Yield the layers of a network, and those of networks within it in their place."""
    layers = model["config"]["layers"]
    shapes = _shapes(layers)
    chain: Shape | None = None  # the shape that a layer of a Sequential is given
    for number, layer in enumerate(layers):
        kind, config = str(layer["class_name"]), layer["config"]
        names = (*prefix, str(config.get("name", "")))
        nodes = layer.get("inbound_nodes") or [None]
        inputs = _shape(config.get("batch_shape")) if kind == "InputLayer" else _built(layer)
        inputs = inputs or _first(nodes[0]) or chain
        shape = shapes.get(names[-1])
        if shape is None and nodes[0] is None:
            shape = _following(layers[number + 1 :], output)
        elif shape is None and number == len(layers) - 1:
            shape = output
        shape = shape or _computed(kind, config, inputs)
        chain = shape
        if "layers" in config:
            for inner in _described(layer, shape, names):
                if inner.kind != "InputLayer":
                    yield inner._replace(uses=inner.uses * len(nodes))
        else:
            yield _Described(names, kind, config, inputs, shape, len(nodes))


def _shapes(layers: Sequence[Any]) -> dict[str, Shape]:
    """Return the shapes of the tensors that go from a layer to another, by the first one's name."""
    found: dict[str, Shape] = {}
    for layer in layers:
        for tensor in _tensors(layer.get("inbound_nodes")):
            name, _, place = tensor["keras_history"]
            shape = _shape(tensor["shape"])
            if place == 0 and shape is not None:
                found.setdefault(str(name), shape)
    return found


def _tensors(value: Any) -> Iterator[Config]:
    """Yield the tensors, as Keras describes them, within the arguments of layers."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]
        else:
            yield from _tensors(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from _tensors(inner)


def _first(node: Any) -> Shape | None:
    """Return the shape of the first tensor that a layer is given."""
    first = next(_tensors(node), None)
    return None if first is None else _shape(first["shape"])


def _built(layer: Config) -> Shape | None:
    """Return the shape for which a layer was built, if it has weights or a rule for it."""
    shape = (layer.get("build_config") or {}).get("input_shape")
    return _shape(shape[0] if shape and isinstance(shape[0], list) else shape)


def _following(rest: Sequence[Any], output: Shape | None) -> Shape | None:
    """Return what the next layer of a Sequential is given, if it or one after it tells it."""
    for layer in rest:
        if (shape := _built(layer)) is not None:
            return shape
        if layer["class_name"] not in SAME:
            return None
    return output


def _computed(kind: str, config: Config, inputs: Shape | None) -> Shape | None:
    """Return the shape of a layer's output by its kind, where no other layer tells it."""
    if inputs is None or kind in SAME or kind == "InputLayer":
        return inputs
    if kind == "Dense":
        return (*inputs[:-1], int(config["units"]))
    if kind == "Flatten" and None not in inputs:
        return (math.prod(side or 0 for side in inputs),)
    if kind.startswith("Global") and config.get("data_format") != "channels_first":
        return inputs[-1:]
    window = config.get("kernel_size") or config.get("pool_size")
    if window and len(window) == len(inputs) - 1 and config.get("data_format") == "channels_last":
        return _windowed(config, inputs, window)
    return None


def _windowed(config: Config, inputs: Shape, window: Sequence[int]) -> Shape:
    """Return the shape of a convolution's or a pooling's output; channels come last."""
    strides, dilation = config["strides"], config.get("dilation_rate") or [1] * len(window)
    sides: list[int | None] = []
    for side, pixels, stride, step in zip(inputs, window, strides, dilation, strict=False):
        lost = 0 if config["padding"] == "same" else step * (pixels - 1)
        sides.append(None if side is None else -(-(side - lost) // stride))
    channels = (inputs[-1] or 0) * config.get("depth_multiplier", 1)
    return (*sides, int(config.get("filters", channels)))


def _shape(value: Any) -> Shape | None:
    """Return a shape in a configuration without the batch."""
    if not isinstance(value, list) or not value:
        return None
    return tuple(None if side is None else int(side) for side in value[1:])


def _layer(one: _Described, arrays: Sequence[Sequence[int]]) -> Layer:
    sizes = [math.prod(shape) for shape in arrays]
    measured = STATISTICS.get(one.kind, 0)
    trained = sizes[: max(len(sizes) - measured, 0)] if one.config.get("trainable", True) else []
    return Layer(
        one.names,
        one.kind,
        _settings(one.config),
        one.shape,
        sum(sizes),
        sum(trained),
        _products(one, arrays),
    )


def _products(one: _Described, arrays: Sequence[Sequence[int]]) -> int | None:
    """Return the multiplications by weights; None if a layer's are not known.

    Of each kernel, at each position of the output: its size. Padding counts as pixels do. What is
    multiplied value by value, such as normalization, counts as nothing.
    """
    kernels = [math.prod(shape) for shape in arrays if len(shape) > 1]
    if not kernels:
        return 0
    if one.kind not in KERNELS or one.shape is None:
        return None
    first = one.config.get("data_format") == "channels_first"
    positions = one.shape[1:] if first else one.shape[:-1]
    if None in positions:
        return None
    return one.uses * sum(kernels) * math.prod(side or 0 for side in positions)


def _settings(config: Config) -> str:
    """Return what distinguishes a layer from others of its kind, such as ``3x3, stride 2, relu``.

    Examples
    --------
    >>> _settings({"kernel_size": [3, 3], "strides": [2, 2], "activation": "relu"})
    '3x3, stride 2, relu'
    """
    windows = (config[key] for key in ("kernel_size", "pool_size") if key in config)
    words = [shown("x".join(map(str, window)), 20) for window in windows]
    strides = config.get("strides")
    if isinstance(strides, list) and max(strides) > 1 and strides != config.get("pool_size"):
        words.append("stride " + "x".join(map(str, dict.fromkeys(strides))))
    if config.get("groups", 1) != 1:
        words.append(f"{config['groups']} groups")
    if isinstance(config.get("rate"), float):
        words.append(f"rate {config['rate']:g}")
    activation = config.get("activation", "linear")
    if isinstance(activation, str) and activation != "linear":
        words.append(shown(activation, 30))
    return ", ".join(words)


def uncounted(layers: Sequence[Layer]) -> dict[str, int]:
    """Return the kinds of layers whose products are not known, and their numbers."""
    return dict(Counter(layer.kind for layer in layers if layer.products is None))
