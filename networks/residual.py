"""The residual network for small images, in its second form, "pre-activation".

Source: He, Zhang, Ren and Sun, "Identity Mappings in Deep Residual Networks", 2016. ``widths`` of
16, 32 and 64 with ``depths`` of n each are its network of 6n + 2 layers for CIFAR-10. Wider and
shallower ones (Zagoruyko and Komodakis, 2016) take less time for the same accuracy. Each layer has
a seed of its own, so that a change of one leaves the others' initial weights as they are.
"""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from pipeline.core.params import Section
from pipeline.models.params import (
    MAX_LAYERS,
    Activation,
    Filters,
    Initializer,
    Positive,
    Precision,
    Share,
    Window,
    initializer,
    seeds,
    size_fault,
)
from pipeline.shards.index import Statistics

if TYPE_CHECKING:
    import keras

STEM, LOGITS, DROPOUT = range(3)
"""Numbers of the layers outside the blocks, from which their seeds follow."""


class Params(Section):
    """``model``: a first convolution, stages of residual blocks, pooling, then the logits."""

    standardize: bool = True
    """First subtract, from each channel, the training images' mean, and divide by their standard
    deviation."""
    widths: Annotated[tuple[Filters, ...], Field(min_length=1, max_length=MAX_LAYERS)] = (
        32,
        64,
        128,
    )
    """Filters of the convolutions of each stage. Each stage but the first halves the height and
    width of its maps."""
    depths: Annotated[tuple[Positive, ...], Field(max_length=MAX_LAYERS)] = (1, 1, 1)
    """Blocks of two convolutions in each stage."""
    kernel: Window = 3
    """Height and width of the filters, in pixels, but for the shortcuts', which are 1x1."""
    stem_stride: Window = 1
    """Stride of the first convolution. Larger images want 2: a quarter of the time and memory."""
    stem_pool: Window = 1
    """Height, width and stride of max-pooling after the first convolution; 1: none. It costs more
    than a stride there, and keeps more of the image."""
    activation: Activation = "relu"
    """After each normalization."""
    momentum: Share = 0.9
    """Share that batch normalization's moving statistics keep of themselves at each step. Keras's
    0.99 needs hundreds of steps to forget where they began."""
    block_dropout: Share = 0.0
    """Share of the values that is dropped between the two convolutions of each block while
    training."""
    dropout: Share = 0.0
    """Share of the pooled features that is dropped while training."""
    kernel_initializer: Initializer = "he_normal"
    """Of the filters and of the logits' weights."""

    @model_validator(mode="after")
    def _consistent(self) -> "Params":
        if len(self.widths) != len(self.depths):
            raise ValueError(
                f"widths and depths must be equally many, one of each for a stage; there are "
                f"{len(self.widths)} and {len(self.depths)}"
            )
        layers = 2 * sum(self.depths) + 2
        if fault := size_fault(layers, self.weights((1, 1, 1), 2) if layers <= MAX_LAYERS else 0):
            raise ValueError(f"widths, depths and kernel are too large: {fault}")
        return self

    def weights(self, shape: tuple[int, int, int], classes: int) -> int:
        """Return the number of weights of convolutions and the logits."""
        area = self.kernel**2
        features = self.widths[0]
        count = area * shape[2] * features
        for width, depth in zip(self.widths, self.depths, strict=True):
            count += features * width if features != width else 0
            count += area * width * (features + (2 * depth - 1) * width)
            features = width
        return count + (features + 1) * classes


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
    """
    import keras

    layers = Layers(params, seed, precision)
    image = keras.Input(shape, name="image", dtype="float32")
    x = image
    if params.standardize:
        x = keras.layers.Normalization(
            mean=list(statistics.mean),
            variance=[value**2 for value in statistics.std],
            name="standardization",
            dtype="float32",
        )(x)
    x = layers.convolution(x, "stem", STEM, params.widths[0], params.kernel, params.stem_stride)
    if params.stem_pool > 1:
        x = layers.pooling(x, params.stem_pool)
    for stage, (width, depth) in enumerate(zip(params.widths, params.depths, strict=True), 1):
        for number in range(1, depth + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            x = layers.block(x, stage, number, width, stride)
    x = layers.activated(x, "last")
    x = keras.layers.GlobalAveragePooling2D(name="features", dtype=layers.dtype)(x)
    x = layers.dropout(x, "dropout", DROPOUT, params.dropout)
    return keras.Model(image, layers.logits(x, classes), name="classifier")


class Layers:
    """The layers, each applied to a tensor."""

    def __init__(self, params: Params, seed: int, precision: Precision) -> None:
        import keras  # here, so that parameters are checked without it

        self.keras = keras
        self.params = params
        self.seed = seed
        self.dtype = precision if precision == "float32" else f"mixed_{precision}"

    def block(self, x: Any, stage: int, number: int, width: int, stride: int) -> Any:
        """Apply a residual block: two convolutions, each activated before, around a shortcut.

        The shortcut is the input itself, or where its shape differs a 1x1 convolution of the
        input, which was activated too.
        """
        name, first = f"{stage}_{number}", 100_000 * stage + 10 * number
        before = x
        x = self.activated(x, f"{name}_1")
        if stride != 1 or before.shape[-1] != width:
            before = self.convolution(x, f"shortcut_{name}", first, width, 1, stride)
        x = self.convolution(
            x, f"convolution_{name}_1", first + 1, width, self.params.kernel, stride
        )
        x = self.activated(x, f"{name}_2")
        x = self.dropout(x, f"dropout_{name}", first + 3, self.params.block_dropout)
        x = self.convolution(x, f"convolution_{name}_2", first + 2, width, self.params.kernel, 1)
        return self.keras.layers.Add(name=f"sum_{name}", dtype=self.dtype)([x, before])

    def activated(self, x: Any, name: str) -> Any:
        """Apply batch normalization and the activation."""
        x = self.keras.layers.BatchNormalization(
            momentum=self.params.momentum, name=f"normalization_{name}", dtype=self.dtype
        )(x)
        return self.keras.layers.Activation(
            self.params.activation, name=f"activation_{name}", dtype=self.dtype
        )(x)

    def convolution(
        self, x: Any, name: str, number: int, width: int, kernel: int, stride: int
    ) -> Any:
        """Apply a convolution, without a bias, for normalization would subtract it."""
        return self.keras.layers.Conv2D(
            width,
            kernel,
            stride,
            padding="same",
            use_bias=False,
            kernel_initializer=self._initializer(number),
            name=name,
            dtype=self.dtype,
        )(x)

    def pooling(self, x: Any, size: int) -> Any:
        """Apply max-pooling; windows at the edges may be smaller."""
        return self.keras.layers.MaxPooling2D(
            size, padding="same", name="pooling", dtype=self.dtype
        )(x)

    def dropout(self, x: Any, name: str, number: int, rate: float) -> Any:
        """Apply dropout if the rate is above 0; ``number`` makes its seed differ from others'."""
        if not rate:
            return x
        chance = seeds(self.seed, number)[0]
        return self.keras.layers.Dropout(rate, seed=chance, name=name, dtype=self.dtype)(x)

    def logits(self, x: Any, classes: int) -> Any:
        """Apply the last layer, which is float32 always; its bias begins as zeros."""
        return self.keras.layers.Dense(
            classes, name="logits", dtype="float32", kernel_initializer=self._initializer(LOGITS)
        )(x)

    def _initializer(self, number: int) -> Any:
        return initializer(self.params.kernel_initializer, seeds(self.seed, number)[0])
