"""Published backbones from ``keras.applications``, with a new head for the dataset's classes.

A backbone stands here if all its layers that have weights have names of their own, by which a
published file's weights find their place. So Inception, Xception and their mixture do not. Nor does
the first EfficientNet: its published weights need a layer that Keras adds only for a download of
its own.
"""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

from pydantic import Field

from pipeline.core.errors import ParameterError
from pipeline.core.params import Section
from pipeline.models.params import Positive, Precision, Share, initializer, seeds
from pipeline.shards.index import Statistics

if TYPE_CHECKING:
    import keras

Signed = Literal[
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "MobileNetV3Large",
    "NASNetMobile",
    "NASNetLarge",
    "ResNet50V2",
    "ResNet101V2",
    "ResNet152V2",
]
"""Backbones that want pixels from -1 to 1."""
SignedBy128 = Literal["EfficientNetV2S", "EfficientNetV2M", "EfficientNetV2L"]
"""Those that want pixels from -1 to 127/128."""
Standardized = Literal[
    "ConvNeXtTiny",
    "ConvNeXtSmall",
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtXLarge",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
]
"""Those that want ImageNet's mean subtracted and its standard deviation divided out."""
Centred = Literal["ResNet50", "ResNet101", "ResNet152", "VGG16", "VGG19"]
"""Those that want blue, green, red, in this order, from 0 to 255, less ImageNet's mean."""
Backbone = Literal[Signed, SignedBy128, Standardized, Centred]

LEAST_SIDE = 32
"""Pixels of the least height and width that all these backbones take."""
LONGEST_SIDE = 2048
"""Pixels of the greatest height or width, enlarged; these backbones were made for 224 to 600."""
BACKBONE, LOGITS, DROPOUT = range(3)
"""Numbers of the layers, from which their seeds follow; all of the backbone share one."""


class Preprocessing(NamedTuple):
    """What a backbone wants done to pixels in [0, 1]: times ``scale``, plus ``offset``."""

    scale: tuple[float, ...]
    """For red, green and blue; in the other order if ``reverse``."""
    offset: tuple[float, ...]
    reverse: bool = False
    """Take the channels as blue, green, red."""


MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PREPROCESSING = {
    Signed: Preprocessing((2.0,) * 3, (-1.0,) * 3),
    SignedBy128: Preprocessing((255 / 128,) * 3, (-1.0,) * 3),
    Standardized: Preprocessing(
        tuple(1 / std for std in DEVIATION),
        tuple(-mean / std for mean, std in zip(MEAN, DEVIATION, strict=True)),
    ),
    Centred: Preprocessing((255.0,) * 3, (-103.939, -116.779, -123.68), reverse=True),
}


class Params(Section):
    """``model``: a backbone, pooling, dropout, then the logits."""

    backbone: Backbone = "MobileNetV3Small"
    """Network of ``keras.applications``, without its head."""
    enlarge: Annotated[Positive, Field(le=64)] = 1
    """Factor by which images are enlarged first, bilinearly. Backbones want 32 pixels or more, and
    were made for about 224."""
    pooling: Literal["avg", "max"] = "avg"
    """How each map of the backbone becomes one value: by its mean or its maximum."""
    momentum: Share | None = 0.9
    """Share that batch normalization's moving statistics keep of themselves at each step. The
    backbones' own (null), up to 0.9997, need thousands of steps to forget where they began."""
    dropout: Share = 0.2
    """Share of the pooled features that is dropped while training."""


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

    The backbone's layers are the network's own and keep their names. Its preprocessing comes before
    them, in float32. Grey images become three equal channels.

    Parameters
    ----------
    shape : tuple of int
        Height, width and channels of the images, which are float32 in [0, 1].
    classes : int
        Number of classes, K.
    statistics : Statistics
        Not used: a backbone wants what it was published with.
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
        If the images are too small for a backbone, or too large.
    """
    import keras

    del statistics
    _refuse_other_sizes(params, shape)
    dtype = precision if precision == "float32" else f"mixed_{precision}"
    image = keras.Input(shape, name="image", dtype="float32")
    with _settings(dtype, seeds(seed, BACKBONE)[0]):
        x = _backbone(params, _preprocessed(params, image))
    if params.dropout:
        chance = seeds(seed, DROPOUT)[0]
        x = keras.layers.Dropout(params.dropout, seed=chance, name="dropout", dtype=dtype)(x)
    logits = keras.layers.Dense(
        classes,
        name="logits",
        dtype="float32",
        kernel_initializer=initializer("glorot_uniform", seeds(seed, LOGITS)[0]),
    )(x)
    return _with_fixed_names(keras.Model(image, logits, name="classifier"))


def _refuse_other_sizes(params: Params, shape: tuple[int, int, int]) -> None:
    """Raise ParameterError, with a factor that would do, if a side is too short or too long."""
    if max(shape[:2]) * params.enlarge > LONGEST_SIDE:
        raise ParameterError(
            f"model.enlarge {params.enlarge} makes images of {shape[0]}x{shape[1]} larger than "
            f"{LONGEST_SIDE}x{LONGEST_SIDE}; take a smaller factor, or decode smaller images"
        )
    side = min(shape[:2])
    if side * params.enlarge < LEAST_SIDE:
        raise ParameterError(
            f"images of {shape[0]}x{shape[1]} are too small for model.backbone "
            f"{params.backbone}, which takes {LEAST_SIDE}x{LEAST_SIDE} or more; let "
            f"model.enlarge be {-(-LEAST_SIDE // side)} or more, or decode larger images"
        )


def _preprocessed(params: Params, image: Any) -> Any:
    """Return RGB images, float32[n, h, w, 3], of the size and range that the backbone wants."""
    import keras

    x = image
    if params.enlarge > 1:
        x = keras.layers.UpSampling2D(
            params.enlarge, interpolation="bilinear", name="enlarged", dtype="float32"
        )(x)
    if x.shape[-1] == 1:
        x = keras.layers.Concatenate(name="three_channels", dtype="float32")([x, x, x])
    wanted = preprocessing(params.backbone)
    if wanted.reverse:
        x = keras.ops.flip(x, axis=-1)
    return keras.layers.Rescaling(
        list(wanted.scale), list(wanted.offset), name="preprocessing", dtype="float32"
    )(x)


def preprocessing(backbone: Backbone) -> Preprocessing:
    """Return what a backbone wants done to its images."""
    return next(done for names, done in PREPROCESSING.items() if backbone in get_args(names))


def _backbone(params: Params, x: Any) -> Any:
    """Apply the backbone with fresh weights, and pool its maps: float32[n, features]."""
    import keras

    maker = getattr(keras.applications, params.backbone)
    built_in = params.backbone.startswith(("MobileNetV3", "EfficientNetV2", "ConvNeXt"))
    network = maker(
        include_top=False,
        weights=None,
        input_tensor=x,
        input_shape=tuple(x.shape[1:]),
        pooling=params.pooling,
        **({"include_preprocessing": False} if built_in else {}),
    )
    if params.momentum is not None:
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = params.momentum
    return network.output


@contextmanager
def _settings(dtype: str, seed: int) -> Iterator[None]:
    """Let new layers have this policy, and the initializers that they make seeds that follow."""
    import keras

    policy, state = keras.config.dtype_policy(), random.getstate()
    keras.config.set_dtype_policy(dtype)
    random.seed(seed)  # from here Keras draws seeds where none is given
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        random.setstate(state)


def _with_fixed_names(network: "keras.Model") -> "keras.Model":
    """Number the layers to which Keras gave a name: it counts all that the process has made."""
    made: dict[str, int] = {}
    # ConvNeXt has small networks within; and what is an operation alone is not among the layers.
    layers = network._flatten_layers(include_self=False)
    for operation in dict.fromkeys([*network.operations, *layers]):
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(operation).__name__)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        if re.fullmatch(rf"{kind}(_\d+)?", operation.name):
            number = made.setdefault(kind, 0)
            made[kind] += 1
            operation.name = f"{kind}_{number}" if number else kind
    return network
