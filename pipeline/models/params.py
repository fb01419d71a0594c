"""The network: a convolutional classifier of images, built from typed parameters.

With the default parameters it is the tutorial's, weights and biases drawn from the same
distributions: 356,234 parameters for images of shape (28, 28, 1) and 10 classes.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from pipeline.core.errors import ParameterError
from pipeline.core.params import Section
from pipeline.shards.index import Statistics

if TYPE_CHECKING:
    import keras

Positive = Annotated[int, Field(gt=0)]
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
Features = Literal["flatten", "global_average", "global_max"]


class ModelParams(Section):
    """``model``: blocks of convolutions and max-pooling, then dense layers, then the logits."""

    standardize: bool = False
    """Whether the network first subtracts, from each channel, the training images' mean, and
    divides by their standard deviation."""
    filters: Annotated[tuple[Positive, ...], Field(min_length=1)] = (32, 64, 128)
    """Filters of the convolutions of each block; their stride is 1."""
    convolutions: Positive = 1
    """Convolutions in each block: its depth."""
    residual: bool = False
    """Whether each block's input is added to what its convolutions give, before the last
    activation, through a 1x1 convolution where the filters differ in number (He et al., 2016).
    With ``pool_after: first``, what the first convolution gives is added, not the input."""
    kernel: Positive = 3
    """Height and width of the filters, in pixels."""
    pool: Positive = 2
    """Height, width and stride of the max-pooling in each block, in pixels; 1: none."""
    pool_after: Literal["last", "first"] = "last"
    """Which of a block's convolutions the pooling follows: the last, or the first and before its
    normalization and activation, so that all that comes after has fewer pixels to work on."""
    padding: Literal["same", "valid"] = "same"
    """Of convolutions and pooling."""
    activation: Activation = "relu"
    """After each convolution and each dense layer but the last."""
    batch_normalization: bool = False
    """Whether each convolution is followed by it, before the activation."""
    block_dropout: Share = 0.0
    """Share of the values that is dropped after each block while training."""
    features: Features = "flatten"
    """How the last block's maps become features: all their values, or one for each filter."""
    dense: tuple[Positive, ...] = (128,)
    """Units of the dense layers before the logits."""
    dropout: Share = 0.0
    """Share of the units that is dropped after each of these dense layers while training, or of
    the features where there are none."""
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "glorot_uniform"
    """The tutorial draws biases like weights; Keras's own default is zeros."""

    @model_validator(mode="after")
    def _consistent(self) -> "ModelParams":
        if self.residual and self.padding != "same":
            raise ValueError("residual needs padding: same")
        if self.residual and self.pool_after == "first" and self.convolutions < 2:
            raise ValueError("residual with pool_after: first needs convolutions of 2 or more")
        if self.bias_initializer == "orthogonal":
            raise ValueError("bias_initializer cannot be orthogonal: a bias is no matrix")
        return self


def build(
    params: ModelParams,
    shape: tuple[int, int, int],
    classes: int,
    statistics: Statistics,
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
    statistics : Statistics
        Of the training images, for ``standardize``.
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

    from pipeline.models.cnn import Layers

    _refuse_too_deep(params, shape)
    layers = Layers(params, seed, precision)
    image = keras.Input(shape, name="image", dtype="float32")
    x = image
    if params.standardize:
        x = layers.standardize(x, statistics)
    for n, filters in enumerate(params.filters, 1):
        x = layers.block(x, n, filters)
    x = layers.features(x)
    for n, units in enumerate(params.dense, 1):
        x = layers.dense(x, n, units)
    if not params.dense:
        x = layers.dropout(x, "dropout_1", params.dropout, 1001)
    return keras.Model(image, layers.logits(x, classes), name="classifier")


def _refuse_too_deep(params: ModelParams, shape: tuple[int, int, int]) -> None:
    """Refuse more blocks than the images have pixels for."""
    before = 1 if params.pool_after == "first" else params.convolutions
    for side in shape[:2]:
        for n in range(1, len(params.filters) + 1):
            side = _pooled(_convolved(side, before, params), params)
            side = _convolved(side, params.convolutions - before, params)
            if side < 1:
                raise ParameterError(
                    f"model.filters has {len(params.filters)} blocks, but block {n} would leave "
                    f"no pixel of images of {shape[0]}x{shape[1]}; take fewer filters, a smaller "
                    "kernel or pool, or padding: same"
                )


def _convolved(side: int, times: int, params: ModelParams) -> int:
    """Height or width after so many convolutions."""
    return side - times * (params.kernel - 1) if params.padding == "valid" else side


def _pooled(side: int, params: ModelParams) -> int:
    """Height or width after pooling; 0 if the window is larger."""
    if side < params.pool:
        return 0
    return side // params.pool if params.padding == "valid" else -(-side // params.pool)
