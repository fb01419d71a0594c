import json
import math

import pytest

from networks import application, cnn, residual
from pipeline.core import paths
from pipeline.core.errors import DataError
from pipeline.models import saved
from pipeline.report import network
from pipeline.shards.index import Statistics
from tests.support import reports

GREY = Statistics((0.3,), (0.25,))
RGB = Statistics((0.2, 0.4, 0.6), (0.1, 0.2, 0.3))
PRODUCTS = ("Conv2D", "DepthwiseConv2dNative", "MatMul")
"""TensorFlow's operations that multiply by weights."""


def small_cnn():
    params = cnn.Params(
        filters=(5, 6), dense=(4,), convolutions=2, residual=True, standardize=True,
        batch_normalization=True, block_dropout=0.1,
    )  # fmt: skip
    return cnn.build(params, (9, 7, 3), 2, RGB)


def small_residual():
    return residual.build(residual.Params(), (16, 16, 3), 2, RGB)


def backbone(name, **params):
    params = application.Params(backbone=name, **params)
    return lambda: application.build(params, (32, 32, 1), 2, GREY)


def of_every_kind():
    """A network with each layer that is counted, and networks within it."""
    import keras
    from keras import layers

    image = keras.Input((12, 10, 4), name="image")
    x = layers.Conv2D(6, 3, strides=2, activation="relu")(image)
    x = layers.Conv2D(6, 3, padding="same", use_bias=False)(x)
    x = layers.SeparableConv2D(5, 3, depth_multiplier=2, padding="same")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=3, padding="same")(x)
    inner = keras.Sequential(
        [layers.Conv2D(7, 1), layers.ReLU(), layers.Conv2D(15, 1)], name="inner"
    )
    x = layers.Add()([x, inner(x), inner(x)])  # it is applied twice
    within = keras.Input((5, 4, 15))
    head = keras.Model(within, layers.Flatten()(layers.MaxPooling2D(2)(within)), name="head")
    return keras.Model(image, layers.Dense(2)(layers.Dropout(0.5, seed=1)(head(x))))


def sequential():
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((9, 7, 3)),
            layers.Conv2D(5, 3, activation="relu", padding="same", strides=2),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SeparableConv2D(4, 2, depth_multiplier=2),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(4),
            layers.Dense(2),
        ]
    )


def read(built, tmp_path):
    """Return the layers of a network that was saved."""
    saved.save(saved.Model(built, ("a", "b")), tmp_path / "model")
    return network.read(tmp_path / "model", 2)


def profiled(built):
    """Return the multiplications for an image, as TensorFlow's profiler counts them."""
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    shape = (1, *built.input_shape[1:])
    call = tf.function(lambda image: built(image, training=False))
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        call.get_concrete_function(tf.TensorSpec(shape, tf.float32))
    )
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options |= {"account_type_regexes": list(PRODUCTS), "output": "none"}
    found = tf.compat.v1.profiler.profile(frozen.graph, cmd="op", options=options)
    # Of a matrix product the profiler counts all, of a convolution too: two for each.
    return (
        sum(
            node.total_float_ops - sum(child.total_float_ops for child in node.children)
            for node in _nodes(found)
            if node.name in PRODUCTS
        )
        // 2
    )


def _nodes(found):
    yield found
    for child in found.children:
        yield from _nodes(child)


@pytest.mark.parametrize(
    "make",
    [
        small_cnn,
        pytest.param(small_residual, marks=pytest.mark.slow),
        of_every_kind,
        sequential,
        pytest.param(backbone("MobileNetV2"), marks=pytest.mark.slow, id="mobile"),
    ],
)
def test_shapes_parameters_and_products_are_those_of_keras_and_tensorflow(
    tensorflow, tmp_path, make
):
    built = make()
    layers = read(built, tmp_path)
    assert sum(layer.parameters for layer in layers) == built.count_params()
    assert sum(layer.trained for layer in layers) == sum(
        math.prod(weight.shape) for weight in built.trainable_weights
    )
    assert network.uncounted(layers) == {}
    assert sum(layer.products for layer in layers) == profiled(built)
    shapes = {layer.names[-1]: layer.shape for layer in layers}
    outermost = [layer for layer in built.layers if not hasattr(layer, "layers")]
    for layer in outermost:
        output = layer.output
        assert shapes[layer.name] == tuple(output.shape[1:]), layer.name
        parameters = {one.names[-1]: one.parameters for one in layers}
        assert parameters[layer.name] == layer.count_params()


@pytest.mark.slow
def test_products_are_the_published_ones(tensorflow, tmp_path):
    """Its Dense layers are applied to maps. Source: Liu et al., 2022, table 9; 7 times the side."""
    layers = read(backbone("ConvNeXtTiny")(), tmp_path)
    assert sum(layer.products for layer in layers) * 7**2 == pytest.approx(4.5e9, rel=0.02)
    assert network.uncounted(layers) == {}


def test_a_network_within_is_shown_by_its_layers(tensorflow, tmp_path):
    layers = {layer.names: layer for layer in read(of_every_kind(), tmp_path)}
    first, _, last = (names for names in layers if names[0] == "inner")
    assert layers[first].shape == (5, 4, 7)
    assert layers[last].shape == (5, 4, 15)
    assert layers[last].products == 2 * 5 * 4 * 7 * 15
    assert [layers[names].shape for names in layers if names[0] == "head"] == [(2, 2, 15), (60,)]


def test_a_kernel_of_groups_sees_the_channels_of_its_group(tensorflow, tmp_path):
    """TensorFlow's profiler does not see into these."""
    import keras

    image = keras.Input((5, 4, 6))
    x = keras.layers.Conv2D(9, 2, groups=3)(image)
    x = keras.layers.Flatten()(x)
    _, layer, *_ = read(keras.Model(image, keras.layers.Dense(2)(x)), tmp_path)
    assert (layer.settings, layer.shape) == ("2x2, 3 groups", (4, 3, 9))
    assert layer.products == 4 * 3 * 9 * (2 * 2 * 6 // 3)


def test_layers_whose_products_are_not_known_are_named(tensorflow, tmp_path):
    import keras

    image = keras.Input((6, 8, 1))
    x = keras.layers.Reshape((6, 8))(image)
    x = keras.layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    built = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    layers = read(built, tmp_path)
    assert network.uncounted(layers) == {"MultiHeadAttention": 1}
    (attention,) = [layer for layer in layers if layer.names == ("attention",)]
    assert attention.parameters == built.get_layer("attention").count_params()


def test_settings_are_short(tensorflow, tmp_path):
    settings = {layer.kind: layer.settings for layer in read(of_every_kind(), tmp_path)}
    assert settings["DepthwiseConv2D"] == "3x3"
    assert settings["MaxPooling2D"] == "2x2"
    assert settings["Dropout"] == "rate 0.5"
    layers = read(of_every_kind(), tmp_path)
    assert layers[1].settings == "3x3, stride 2, relu"


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports.write_model((6, 5, 1))
    return paths.model(reports.RUN)


def test_frozen_layers_are_not_trained(made):
    path = made / "architecture.json"
    whole = json.loads(path.read_text())
    whole["keras"]["config"]["layers"][1]["config"]["trainable"] = False
    path.write_text(json.dumps(whole))
    (layer,) = [one for one in network.read(made, 3) if one.parameters]
    assert (layer.parameters, layer.trained) == (40, 0)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["keras"], 3),
        (["keras", "config", "layers"], [3]),
        (["keras", "config", "layers", 1, "config"], 7),
        (["keras", "config", "layers", 1, "config", "strides"], []),
        (["keras", "config", "layers", 1, "build_config"], {"input_shape": ["x", "y"]}),
        (["keras", "config", "layers", 1, "inbound_nodes"], [{"class_name": "__keras_tensor__"}]),
    ],
)
def test_a_damaged_architecture_is_one_line(made, keys, value):
    path = made / "architecture.json"
    whole = place = json.loads(path.read_text())
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(whole))
    with pytest.raises(DataError, match=r"architecture\.json is damaged") as caught:
        network.read(made, 3)
    assert str(caught.value).isprintable()
