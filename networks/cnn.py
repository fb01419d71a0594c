"""The convolutional network: blocks of convolutions, then dense layers.

With its defaults it is the tutorial's, "Convolutional Neural Networks with TensorFlow". Each layer
with weights has a seed of its own, so that a change of one layer leaves the others' initial weights
as they are.
"""

import itertools
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline.core.errors import ParameterError
from pipeline.core.params import Section
from pipeline.models.params import (
    MAX_LAYERS,
    Activation,
    Filters,
    Initializer,
    Positive,
    Precision,
    Share,
    Units,
    Window,
    initializer,
    seeds,
    size_fault,
)
from pipeline.shards.index import Statistics

if TYPE_CHECKING:
    import keras

Features = Literal["flatten", "global_average", "global_max"]


class Params(Section):
    """``model``: blocks of convolutions and max-pooling, then dense layers, then the logits."""

    standardize: bool = False
    """First subtract, from each channel, the training images' mean, and divide by their standard
    deviation."""
    filters: Annotated[tuple[Filters, ...], Field(min_length=1, max_length=MAX_LAYERS)] = (
        32,
        64,
        128,
    )
    """Filters of the convolutions of each block; their stride is 1."""
    convolutions: Annotated[Positive, Field(le=MAX_LAYERS)] = 1
    """Convolutions in each block: its depth."""
    residual: bool = False
    """Add each block's input to the output of its convolutions, before the last activation, through
    a 1x1 convolution where the filters differ in number (He et al., 2016). With ``pool_after:
    first``, the output of the first convolution is added, not the input."""
    kernel: Window = 3
    """Height and width of the filters, in pixels."""
    pool: Window = 2
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
    dense: Annotated[tuple[Units, ...], Field(max_length=MAX_LAYERS)] = (128,)
    """Units of the dense layers before the logits."""
    dropout: Share = 0.0
    """Share of the units that is dropped after each of these dense layers while training, or of
    the features where there are none."""
    kernel_initializer: Initializer = "glorot_uniform"
    """Of the filters and of the dense layers' weights."""
    bias_initializer: Initializer = "glorot_uniform"
    """The tutorial draws biases like weights; Keras's own default is zeros."""

    @model_validator(mode="after")
    def _consistent(self) -> "Params":
        if self.residual and self.padding != "same":
            raise ValueError("residual needs padding: same")
        if self.residual and self.pool_after == "first" and self.convolutions < 2:
            raise ValueError("residual with pool_after: first needs convolutions of 2 or more")
        if self.bias_initializer == "orthogonal":
            raise ValueError("bias_initializer cannot be orthogonal: a bias is no matrix")
        layers = len(self.filters) * self.convolutions + len(self.dense) + 1
        if fault := size_fault(layers, self.weights((1, 1, 1), 2) if layers <= MAX_LAYERS else 0):
            raise ValueError(f"filters, convolutions, kernel and dense are too large: {fault}")
        return self

    def weights(self, shape: tuple[int, int, int], classes: int) -> int:
        """Return the number of weights of convolutions and dense layers, biases included."""
        height, width, features = shape
        count = 0
        for filters in self.filters:
            count += features * filters if self.residual and features != filters else 0
            for _ in range(self.convolutions):
                count += (self.kernel**2 * features + 1) * filters
                features = filters
            height, width = (max(_after_block(side, self), 1) for side in (height, width))
        if self.features == "flatten":
            features *= height * width
        for units in (*self.dense, classes):
            count += (features + 1) * units
            features = units
        return count


def build(
    params: Params,
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
        Mean and standard deviation of the training images' channels, for ``standardize``.
    seed : int
        Of initial weights and dropout.
    precision : str
        Type in which the layers compute. Weights and logits are float32 always.

    Returns
    -------
    keras.Model
        From float32[n, h, w, c] to logits, float32[n, K].

    Raises
    ------
    ParameterError
        If pooling or valid padding leaves no pixel, or weights are too many.
    """
    import keras

    _refuse_too_deep(params, shape)
    if fault := size_fault(0, params.weights(shape, classes)):
        raise ParameterError(f"model: {fault}; take smaller filters, dense layers or images")
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


class Layers:
    """The layers, each applied to a tensor; one that a parameter turns off is left out."""

    def __init__(self, params: Params, seed: int, precision: Precision) -> None:
        import keras  # here, so that parameters are checked without it

        self.keras = keras
        self.params = params
        self.seed = seed
        self.dtype = precision if precision == "float32" else f"mixed_{precision}"
        self.numbers = itertools.count()

    def standardize(self, x: Any, statistics: Statistics) -> Any:
        """Subtract each channel's mean, and divide by its standard deviation."""
        variance = [value**2 for value in statistics.std]
        return self.keras.layers.Normalization(
            mean=list(statistics.mean), variance=variance, name="standardization", dtype="float32"
        )(x)

    def block(self, x: Any, number: int, filters: int) -> Any:
        """Apply convolutions, a shortcut around them, pooling and dropout.

        Each convolution is followed by normalization and activation.
        """
        params, before = self.params, x
        pooled_early = params.pool_after == "first"
        for n in range(1, params.convolutions + 1):
            name = str(number) if params.convolutions == 1 else f"{number}_{n}"
            x = self._convolution(x, name, filters)
            if pooled_early and n == 1:
                x = self._pooling(x, number)
            x = self._normalization(x, name)
            if params.residual and n == params.convolutions:
                x = self._shortcut(x, before, number)
            x = self.keras.layers.Activation(
                params.activation, name=f"activation_{name}", dtype=self.dtype
            )(x)
            if pooled_early and n == 1:
                before = x
        if not pooled_early:
            x = self._pooling(x, number)
        return self.dropout(x, f"block_dropout_{number}", params.block_dropout, 2000 + number)

    def features(self, x: Any) -> Any:
        """Turn maps, (n, h, w, c), into vectors, (n, features)."""
        kind = {
            "flatten": self.keras.layers.Flatten,
            "global_average": self.keras.layers.GlobalAveragePooling2D,
            "global_max": self.keras.layers.GlobalMaxPooling2D,
        }[self.params.features]
        return kind(name=self.params.features, dtype=self.dtype)(x)

    def dense(self, x: Any, number: int, units: int) -> Any:
        """Apply a dense layer with its activation and dropout."""
        x = self.keras.layers.Dense(
            units,
            activation=self.params.activation,
            name=f"dense_{number}",
            dtype=self.dtype,
            **self._initializers(next(self.numbers)),
        )(x)
        return self.dropout(x, f"dropout_{number}", self.params.dropout, 1000 + number)

    def dropout(self, x: Any, name: str, rate: float, number: int) -> Any:
        """Apply dropout if the rate is above 0; ``number`` makes its seed differ from others'."""
        if not rate:
            return x
        chance = seeds(self.seed, number)[0]
        return self.keras.layers.Dropout(rate, seed=chance, name=name, dtype=self.dtype)(x)

    def logits(self, x: Any, classes: int) -> Any:
        """Apply the last layer, which is float32 always."""
        return self.keras.layers.Dense(
            classes, name="logits", dtype="float32", **self._initializers(next(self.numbers))
        )(x)

    def _convolution(self, x: Any, name: str, filters: int) -> Any:
        return self.keras.layers.Conv2D(
            filters,
            self.params.kernel,
            padding=self.params.padding,
            name=f"convolution_{name}",
            dtype=self.dtype,
            **self._initializers(next(self.numbers)),
        )(x)

    def _normalization(self, x: Any, name: str) -> Any:
        if not self.params.batch_normalization:
            return x
        return self.keras.layers.BatchNormalization(name=f"normalization_{name}", dtype=self.dtype)(
            x
        )

    def _pooling(self, x: Any, number: int) -> Any:
        params = self.params
        if params.pool == 1:
            return x
        return self.keras.layers.MaxPooling2D(
            params.pool, padding=params.padding, name=f"pooling_{number}", dtype=self.dtype
        )(x)

    def _shortcut(self, x: Any, before: Any, number: int) -> Any:
        if before.shape[-1] != x.shape[-1]:
            before = self.keras.layers.Conv2D(
                x.shape[-1],
                1,
                name=f"shortcut_{number}",
                dtype=self.dtype,
                **self._initializers(3000 + number),
            )(before)
        return self.keras.layers.Add(name=f"sum_{number}", dtype=self.dtype)([x, before])

    def _initializers(self, number: int) -> dict[str, Any]:
        kernel, bias = seeds(self.seed, number)
        return {
            "kernel_initializer": initializer(self.params.kernel_initializer, kernel),
            "bias_initializer": initializer(self.params.bias_initializer, bias),
        }


def _refuse_too_deep(params: Params, shape: tuple[int, int, int]) -> None:
    """Raise ParameterError if a block would leave no pixel of the images."""
    for side in shape[:2]:
        for n in range(1, len(params.filters) + 1):
            side = _after_block(side, params)
            if side < 1:
                raise ParameterError(
                    f"model.filters has {len(params.filters)} blocks, but block {n} would leave "
                    f"no pixel of images of {shape[0]}x{shape[1]}; take fewer filters, a smaller "
                    "kernel or pool, or padding: same"
                )


def _after_block(side: int, params: Params) -> int:
    """Return the height or width after a block; below 1 if it leaves no pixel."""
    before = 1 if params.pool_after == "first" else params.convolutions
    side = _pooled(_convolved(side, before, params), params)
    return _convolved(side, params.convolutions - before, params)


def _convolved(side: int, times: int, params: Params) -> int:
    """Return the height or width after so many convolutions."""
    return side - times * (params.kernel - 1) if params.padding == "valid" else side


def _pooled(side: int, params: Params) -> int:
    """Return the height or width after pooling; 0 if the window is larger."""
    if side < params.pool:
        return 0
    return side // params.pool if params.padding == "valid" else -(-side // params.pool)
