"""Parameters of ``model``: the network. They need no Keras."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.core.params import Section

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
    """First subtract, from each channel, the training images' mean, and divide by their standard
    deviation."""
    filters: Annotated[tuple[Positive, ...], Field(min_length=1)] = (32, 64, 128)
    """Filters of the convolutions of each block; their stride is 1."""
    convolutions: Positive = 1
    """Convolutions in each block: its depth."""
    residual: bool = False
    """Add each block's input to the output of its convolutions, before the last activation, through
    a 1x1 convolution where the filters differ in number (He et al., 2016). With ``pool_after:
    first``, the output of the first convolution is added, not the input."""
    kernel: Positive = 3
    """Height and width of the filters, in pixels."""
    pool: Positive = 2
    """Height, width and stride of the max-pooling in each block, in pixels; 1: none."""
    pool_after: Literal["last", "first"] = "last"
    """The convolution of a block that pooling follows: the last, or the first. After the first, it
    stands before normalization and activation, and all layers after it have fewer pixels."""
    padding: Literal["same", "valid"] = "same"
    """Of convolutions and pooling."""
    activation: Activation = "relu"
    """After each convolution and each dense layer but the last."""
    batch_normalization: bool = False
    """Normalize after each convolution, before the activation."""
    block_dropout: Share = 0.0
    """Share of the values that is dropped after each block while training."""
    features: Features = "flatten"
    """Features of the last block's maps: all their values, or one for each filter."""
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
