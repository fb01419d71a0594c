"""The network: a convolutional classifier of images, built from typed parameters.

With the default parameters it is the tutorial's, weights and biases drawn from the same
distributions: 356,234 parameters for images of shape (28, 28, 1) and 10 classes.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pipeline.errors import ParameterError
from pipeline.params import Section

if TYPE_CHECKING:
    import keras

Positive = Annotated[int, Field(gt=0)]
Precision = Literal["float32", "bfloat16", "float16"]
Initializer = Literal[
    "zeros",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
]
Activation = Literal["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"]


class ModelParams(Section):
    """``model``: blocks of convolution and max-pooling, then dense layers, then the logits."""

    filters: Annotated[tuple[Positive, ...], Field(min_length=1)] = (32, 64, 128)
    """Filters of the convolution of each block; its stride is 1."""
    kernel: Positive = 3
    """Height and width of the filters, in pixels."""
    pool: Positive = 2
    """Height, width and stride of the max-pooling of each block, in pixels; 1 means none."""
    padding: Literal["same", "valid"] = "same"
    """Of convolutions and pooling."""
    activation: Activation = "relu"
    """After each convolution and each dense layer but the last."""
    batch_normalization: bool = False
    """Whether each convolution is followed by it, before the activation."""
    dense: tuple[Positive, ...] = (128,)
    """Units of the dense layers before the logits."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the units that is dropped after each of these dense layers while training."""
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "glorot_uniform"
    """The tutorial draws biases like weights; Keras's own default is zeros."""


def build(
    params: ModelParams,
    shape: tuple[int, int, int],
    classes: int,
    *,
    seed: int = 0,
    precision: Precision = "float32",
) -> "keras.Model":
    """Build the network with fresh weights.

    Parameters
    ----------
    shape : tuple of int
        Height, width and channels of the images, which are float32 in [0, 1].
    classes : int
        Number of classes, K.
    seed : int
        Of initial weights and dropout. Every layer has a seed of its own, so that a change of one
        layer leaves the others' initial weights as they are.
    precision : str
        In which the layers compute. Weights and logits are float32 always.

    Returns
    -------
    keras.Model
        From float32[n, h, w, c] to logits, float32[n, K].

    Raises
    ------
    ParameterError
        If pooling or valid padding leaves no pixel.
    """
    import keras

    _refuse_too_deep(params, shape)
    dtype = precision if precision == "float32" else f"mixed_{precision}"
    number = iter(range(1000))

    def weights(kind: type[Any], name: str, *arguments: Any, **options: Any) -> Any:
        kernel, bias = _seeds(seed, next(number))
        return kind(
            *arguments,
            name=name,
            kernel_initializer=_initializer(params.kernel_initializer, kernel),
            bias_initializer=_initializer(params.bias_initializer, bias),
            **options,
        )

    layers = keras.layers
    stack: list[Any] = [keras.Input(shape, name="image", dtype="float32")]
    for n, filters in enumerate(params.filters, 1):
        stack.append(
            weights(
                layers.Conv2D,
                f"convolution_{n}",
                filters,
                params.kernel,
                padding=params.padding,
                dtype=dtype,
            )
        )
        if params.batch_normalization:
            stack.append(layers.BatchNormalization(name=f"normalization_{n}", dtype=dtype))
        stack.append(layers.Activation(params.activation, name=f"activation_{n}", dtype=dtype))
        if params.pool > 1:
            stack.append(
                layers.MaxPooling2D(
                    params.pool, padding=params.padding, name=f"pooling_{n}", dtype=dtype
                )
            )
    stack.append(layers.Flatten(name="flatten", dtype=dtype))
    for n, units in enumerate(params.dense, 1):
        stack.append(
            weights(layers.Dense, f"dense_{n}", units, activation=params.activation, dtype=dtype)
        )
        if params.dropout:
            chance = _seeds(seed, 1000 + n)[0]
            stack.append(
                layers.Dropout(params.dropout, seed=chance, name=f"dropout_{n}", dtype=dtype)
            )
    stack.append(weights(layers.Dense, "logits", classes, dtype="float32"))
    return keras.Sequential(stack, name="classifier")


def _seeds(seed: int, layer: int) -> tuple[int, int]:
    first, second = np.random.SeedSequence([seed, layer]).generate_state(2)
    return int(first) >> 1, int(second) >> 1


def _initializer(name: Initializer, seed: int) -> Any:
    import keras

    config = {} if name == "zeros" else {"seed": seed}
    return keras.initializers.get({"class_name": name, "config": config})


def _refuse_too_deep(params: ModelParams, shape: tuple[int, int, int]) -> None:
    """Refuse more blocks than the images have pixels for."""
    for side in shape[:2]:
        for n in range(1, len(params.filters) + 1):
            if params.padding == "valid":
                side = (side - params.kernel + 1) // params.pool
            elif side < params.pool:
                side = 0
            else:
                side = -(-side // params.pool)
            if side < 1:
                raise ParameterError(
                    f"model.filters has {len(params.filters)} blocks, but block {n} would leave "
                    f"no pixel of images of {shape[0]}x{shape[1]}; take fewer filters, a smaller "
                    "kernel or pool, or padding: same"
                )
