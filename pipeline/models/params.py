"""Parameters of networks: their types, which need no Keras, and initializers with their seeds.

Each layer's initializers have seeds of their own: a change of one layer leaves the other layers'
initial weights as they are.
"""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

Positive = Annotated[int, Field(gt=0)]
Window = Annotated[int, Field(gt=0, le=64)]
"""Height and width of a filter or of what is pooled, or a stride; in pixels."""
Filters = Annotated[int, Field(gt=0, le=4096)]
"""Filters of a convolution; the largest published networks have some 2,000."""
Units = Annotated[int, Field(gt=0, le=65_536)]
"""Units of a dense layer."""
Batch = Annotated[int, Field(gt=0, le=65_536)]
"""Images that a network is shown at once."""
MAX_LAYERS = 500
"""Layers with weights, for TensorFlow takes seconds for each hundred. The deepest networks that
proved useful have some hundred."""
MAX_WEIGHTS = 2**30
"""Weights, all together; training with Adam holds 16 bytes for each, so that this is 17 GB."""
Share = Annotated[float, Field(ge=0, lt=1)]
Precision = Literal["float32", "bfloat16", "float16"]
Initializer = Literal[
    "zeros",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
]
Activation = Literal["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"]


def size_fault(layers: int, weights: int) -> str:
    """Return why a network of so many layers and weights cannot be; empty if it can."""
    if layers > MAX_LAYERS:
        return f"the network would have {layers:,} layers with weights, above {MAX_LAYERS:,}"
    if weights > MAX_WEIGHTS:
        return f"the network would have {weights:,} weights, above {MAX_WEIGHTS:,}"
    return ""


def seeds(seed: int, layer: int) -> tuple[int, int]:
    """Return two seeds of 31 bits, of a layer's kernel (or dropout) and of its bias."""
    first, second = np.random.SeedSequence([seed, layer]).generate_state(2)
    return int(first) >> 1, int(second) >> 1


def initializer(name: Initializer, seed: int) -> Any:
    """Return Keras's initializer of that name."""
    import keras

    config = {} if name == "zeros" else {"seed": seed}
    return keras.initializers.get({"class_name": name, "config": config})
