"""What a network's configuration may hold, which is examined as data before Keras sees it.

Keras makes whatever class a configuration names, and some of its classes read files or other
programs' models, or hold code. So only the classes here are made, in a number that takes seconds.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.core.errors import shown
from pipeline.models.hdf5 import UnreadableError, named_faults

DEEPEST = 80
"""Mappings and lists within each other. A model within a model takes four; most have eleven."""
MOST_VALUES = 2_000_000
"""Values in a configuration. A network of a thousand layers has some 50,000."""
MOST_CALLS = 2_500
"""Calls of layers, those within models as often as these are called. The largest of Keras's
applications has some thousand, and twice as many within another model."""
MOST_LATE = 100
"""Calls that stand before the layer whose output they take; each costs a search of all layers."""
LARGEST_INTEGER = 1 << 53
LARGEST_FLOAT = 3.4e38
"""Of 32 bits."""
LONGEST_TEXT = 1_000
LAYERS = {
    *("InputLayer", "Identity", "Masking", "Activation", "ELU", "LeakyReLU", "PReLU", "ReLU"),
    *("Softmax", "Dense", "EinsumDense", "Embedding", "Flatten", "Permute", "RepeatVector"),
    *("Reshape", "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply"),
    *("Subtract", "BatchNormalization", "GroupNormalization", "LayerNormalization"),
    *("RMSNormalization", "SpectralNormalization", "UnitNormalization", "Normalization"),
    *("Rescaling", "Resizing", "CenterCrop", "ActivityRegularization", "AlphaDropout", "Dropout"),
    *("GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D"),
    *("SpatialDropout3D", "AdditiveAttention", "Attention", "GroupQueryAttention"),
    *("MultiHeadAttention", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "TimeDistributed"),
    *("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "RandomBrightness", "RandomContrast"),
    *("RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"),
    *(
        f"{kind}{rank}D"
        for kind in (
            *("Conv", "Cropping", "UpSampling", "ZeroPadding", "AveragePooling", "MaxPooling"),
            *("GlobalAveragePooling", "GlobalMaxPooling", "AdaptiveAveragePooling"),
            "AdaptiveMaxPooling",
        )
        for rank in (1, 2, 3)
    ),
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "SeparableConv1D"),
    *("SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D"),
}
"""Keras's layers that compute. Others hold code (``Lambda``) or read files and other programs'
models (``StringLookup``, ``TFSMLayer``), or have no use for images."""
PARTS = {
    "keras": {"DTypePolicy", "Sequential"},
    "keras.src.models.functional": {"Functional"},
    "keras.layers": LAYERS,
    "keras.src.applications.convnext": {"LayerScale", "StochasticDepth"},
    "keras.src.applications.inception_resnet_v2": {"CustomScaleLayer"},
    "keras.initializers": {
        *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity"),
        *("LecunNormal", "LecunUniform", "Ones", "Orthogonal", "RandomNormal", "RandomUniform"),
        *("TruncatedNormal", "VarianceScaling", "Zeros"),
    },
    "keras.regularizers": {"L1", "L1L2", "L2", "OrthogonalRegularizer"},
    "keras.constraints": {"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"},
    "keras.src.ops.core": {"Cast", "SaturateCast", "Slice", "SliceUpdate", "StopGradient"},
    "keras.src.ops.math": {"Erf", "Erfc", "Logsumexp", "Rsqrt", "TopK"},
    "keras.src.ops.linalg": {"Norm"},
}
"""Classes that a configuration may name, by their modules."""
OPERATIONS = ("keras.src.ops.image", "keras.src.ops.nn", "keras.src.ops.numpy")
"""Modules of which it may name any operation; ``UNUSED`` apart."""
UNUSED = {"CTCDecode", "CTCLoss", "Operation", "KerasTensor"}
DATA = {"__keras_tensor__", "__numpy__", "__tensor__", "__ellipsis__", "__slice__"}
"""Values that are no objects, which Keras writes in the same form."""
KEYS = {
    *("module", "class_name", "config", "registered_name", "build_config", "compile_config"),
    *("name", "inbound_nodes", "shared_object_id"),
}
"""Keys of an object."""
DTYPES = {
    *("bool", "float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}


def examine(config: Any) -> None:
    """Raise UnreadableError if a configuration has what Keras must not be given."""
    with named_faults():
        values = _examine(config, 0)
    if values > MOST_VALUES:
        raise UnreadableError(f"has {values:,} values")
    calls = _calls(config)
    if calls > MOST_CALLS:
        raise UnreadableError(f"has {calls:,} calls of layers, above {MOST_CALLS:,}")


def _examine(value: Any, depth: int, key: str = "") -> int:
    """Raise UnreadableError if a value has a fault; return the number of values in it."""
    if depth > DEEPEST:
        raise UnreadableError(f"is nested more than {DEEPEST} deep")
    if isinstance(value, dict):
        if value.keys() & {"class_name", "module", "registered_name", "spec_name"}:
            _examine_object(value)
        return 1 + sum(_examine(one, depth + 1, name) for name, one in value.items())
    if isinstance(value, list):
        return 1 + sum(_examine(one, depth + 1) for one in value)
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise UnreadableError(f"has a text of {len(value):,} characters")
        value.encode()  # which raises for half of a character
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise UnreadableError(f"has a number above {LARGEST_INTEGER:,}")
    if isinstance(value, float) and not abs(value) <= LARGEST_FLOAT:
        raise UnreadableError("has a number that is not finite in 32 bits")
    if key == "dtype" and value is not None and value not in DTYPES:
        raise UnreadableError(f"has the dtype {shown(str(value))!r}")
    if key == "unroll" and value:
        raise UnreadableError("has a layer that is unrolled")
    return 1


def _examine_object(value: Mapping[str, Any]) -> None:
    """Raise UnreadableError if an object is not one of those that are permitted."""
    module, name = value.get("module"), value.get("class_name")
    config, registered = value.get("config"), value.get("registered_name")
    what = shown(f"{module}.{name}" if module else str(name), 100)
    if not isinstance(name, str) or value.keys() - KEYS:
        raise UnreadableError(f"has an object {what} of an unknown form")
    if value.get("compile_config"):
        raise UnreadableError("has a way of training, which is not wanted here")
    if name in DATA and module is None and registered is None:
        if name == "__ellipsis__":
            return
        if not isinstance(config, dict):
            raise UnreadableError(f"has a {name} of another form")
        return
    if name == "function" and module == "builtins" and registered in (None, "function", config):
        if isinstance(config, str) and re.fullmatch("[a-z][a-z0-9_]*", config):
            return
    elif isinstance(module, str) and isinstance(config, dict) and registered in (None, name):
        operation = re.fullmatch("[A-Z][A-Za-z0-9]*", name) and name not in UNUSED
        if name == "DTypePolicy" and config.get("name") not in DTYPES:
            raise UnreadableError(f"has the dtype {shown(str(config.get('name')))!r}")
        if name in PARTS.get(module, ()) or (module in OPERATIONS and operation):
            return
    raise UnreadableError(f"has {what}, which is no layer of Keras's that is permitted")


def _calls(value: Any) -> int:
    """Return how many calls of layers Keras traces to build a configuration."""
    if isinstance(value, list):
        return sum(map(_calls, value))
    if not isinstance(value, dict):
        return 0
    inside = sum(_calls(one) for key, one in value.items() if key != "inbound_nodes")
    if "layers" in value:
        if not isinstance(value["layers"], list):
            raise UnreadableError("has layers that are no list")
        late = sum(1 for _ in _late(value["layers"]))
        if late > MOST_LATE:
            raise UnreadableError("has layers that stand before those whose output they take")
    nodes = value.get("inbound_nodes")
    if nodes is None and value.get("module") != "keras.layers":
        return inside
    return inside + max(1, len(nodes) if isinstance(nodes, list) else 0) * (1 + inside)


def _late(layers: list[Any]) -> Iterator[str]:
    """Yield the names of layers whose output is taken by a layer that stands before them."""
    before: set[str] = set()
    for layer in layers:
        if not isinstance(layer, dict):
            raise UnreadableError("has a layer that is no mapping")
        for name in _sources(layer.get("inbound_nodes")):
            if name not in before:
                yield name
        before.add(str(layer.get("name")))


def _sources(value: Any) -> Iterator[str]:
    """Yield the names of the layers whose outputs are in the arguments of calls."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            history = value["config"].get("keras_history")
            yield str(history[0] if isinstance(history, list) and history else history)
            return
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _sources(one)
