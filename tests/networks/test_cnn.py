import keras
import numpy as np
import pytest
from pydantic import ValidationError

from networks import cnn
from pipeline.core.errors import ParameterError
from pipeline.shards.index import Statistics

pytestmark = pytest.mark.usefixtures("tensorflow")

SMALL = {"filters": (2,), "dense": (3,)}
STATISTICS = Statistics((0.25, 0.5, 0.75), (0.1, 0.2, 0.4))


def build(shape=(8, 8, 1), classes=3, seed=0, precision="float32", **params):
    return cnn.build(
        cnn.Params(**SMALL | params), shape, classes, STATISTICS, seed=seed, precision=precision
    )


def names(net):
    return [layer.name for layer in net.layers]


def weights(net):
    return {v.path: np.asarray(v) for v in net.trainable_variables}


def test_default_is_the_tutorials_network():
    net = cnn.build(cnn.Params(), (28, 28, 1), 10, STATISTICS)
    assert net.count_params() == 356_234
    sides = [layer.output.shape[1] for layer in net.layers if "pooling" in layer.name]
    assert sides == [14, 7, 4]
    assert net.get_layer("flatten").output.shape[1] == 4 * 4 * 128
    assert [np.asarray(v).shape for v in net.trainable_variables] == [
        (3, 3, 1, 32),
        (32,),
        (3, 3, 32, 64),
        (64,),
        (3, 3, 64, 128),
        (128,),
        (2048, 128),
        (128,),
        (128, 10),
        (10,),
    ]


def test_weights_and_biases_are_glorot_uniform():
    net = cnn.build(cnn.Params(), (28, 28, 1), 10, STATISTICS)
    for variable in net.trainable_variables:
        values = np.asarray(variable)
        # Keras's fans of a bias are both its length.
        fan_in, fan_out = (
            np.prod(values.shape[:-2]) * np.array(values.shape[-2:])
            if values.ndim > 1
            else (len(values), len(values))
        )
        limit = np.sqrt(6 / (fan_in + fan_out))
        assert 0 < np.abs(values).max() <= limit
        if values.size > 1000:
            assert values.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)


def test_seed_decides_the_weights():
    first, again, other = (weights(build(seed=seed)) for seed in (1, 1, 2))
    for path, values in first.items():
        assert (values == again[path]).all()
        assert (values != other[path]).any()


def test_dropout_leaves_the_initial_weights_as_they_are():
    plain, dropped = weights(build()), weights(build(dropout=0.5))
    assert plain.keys() == dropped.keys()
    assert all((plain[path] == dropped[path]).all() for path in plain)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_layers_compute_in_the_precision_but_weights_and_logits_are_float32(precision):
    net = build(precision=precision)
    assert net.get_layer("convolution_1").compute_dtype == precision
    assert {variable.dtype for variable in net.variables} == {"float32"}
    assert net.outputs[0].dtype == "float32"


def test_every_parameter_does_what_it_says():
    assert build(filters=(2, 5)).get_layer("convolution_2").filters == 5
    assert build(kernel=5).get_layer("convolution_1").kernel_size == (5, 5)
    assert build(pool=4).get_layer("pooling_1").output.shape[1] == 2
    assert "pooling_1" not in names(build(pool=1))
    assert build(padding="valid").get_layer("convolution_1").output.shape[1] == 6
    assert build(activation="tanh").get_layer("activation_1").activation.__name__ == "tanh"
    assert build(activation="tanh").get_layer("dense_1").activation.__name__ == "tanh"
    order = names(build(batch_normalization=True))
    assert order[:4] == ["image", "convolution_1", "normalization_1", "activation_1"]
    assert build(dense=(7, 5)).get_layer("dense_2").units == 5
    assert build(dense=(7, 5), dropout=0.25).get_layer("dropout_2").rate == 0.25
    zero = build(bias_initializer="zeros").get_layer("dense_1")
    assert not np.asarray(zero.bias).any()
    he = build(kernel_initializer="he_normal").get_layer("dense_1")
    assert type(he.kernel_initializer).__name__ == "HeNormal"
    assert build(classes=4).outputs[0].shape == (None, 4)
    orthogonal = np.asarray(build(kernel_initializer="orthogonal").get_layer("logits").kernel)
    np.testing.assert_allclose(orthogonal.T @ orthogonal, np.eye(3), atol=1e-6)


def test_a_block_has_as_many_convolutions_as_asked():
    net = build(filters=(2, 4), convolutions=2, batch_normalization=True, block_dropout=0.25)
    block = ["convolution", "normalization", "activation"]
    assert names(net)[1:9] == [
        *(f"{name}_1_1" for name in block),
        *(f"{name}_1_2" for name in block),
        "pooling_1",
        "block_dropout_1",
    ]
    assert net.get_layer("convolution_2_2").filters == 4
    assert net.get_layer("block_dropout_2").rate == 0.25


def test_a_residual_block_adds_its_input():
    net = build(filters=(2, 2), convolutions=2, residual=True, pool=1, activation="relu")
    assert "shortcut_1" in names(net)  # from one channel to two
    assert "shortcut_2" not in names(net)
    for layer in ("convolution_2_1", "convolution_2_2"):
        for variable in net.get_layer(layer).variables:
            variable.assign(np.zeros(variable.shape))
    one = keras.Model(net.input, net.get_layer("activation_1_2").output)
    two = keras.Model(net.input, net.get_layer("activation_2_2").output)
    images = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    assert (np.asarray(one(images)) == np.asarray(two(images))).all()
    assert np.asarray(one(images)).any()


def test_pooling_can_follow_the_first_convolution():
    net = build(
        filters=(2, 2),
        convolutions=2,
        pool_after="first",
        residual=True,
        batch_normalization=True,
        block_dropout=0.25,
    )
    assert names(net)[1:10] == [
        "convolution_1_1",
        "pooling_1",
        "normalization_1_1",
        "activation_1_1",
        "convolution_1_2",
        "normalization_1_2",
        "sum_1",
        "activation_1_2",
        "block_dropout_1",
    ]
    assert not any("shortcut" in name for name in names(net))  # the filters are as many
    sides = [net.get_layer(f"convolution_{n}").output.shape[1] for n in ("1_1", "1_2", "2_1")]
    assert sides == [8, 4, 4]


def test_pooling_before_or_after_the_activation_is_the_same_where_there_is_no_normalization():
    """Maximum and ReLU commute."""
    images = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    first, last = (build(pool_after=after)(images) for after in ("first", "last"))
    assert (np.asarray(first) == np.asarray(last)).all()


@pytest.mark.parametrize(
    ("features", "length"), [("flatten", 32), ("global_average", 2), ("global_max", 2)]
)
def test_features(features, length):
    net = build(features=features)
    assert net.get_layer(features).output.shape == (None, length)


def test_dropout_without_dense_layers_is_of_the_features():
    assert names(build(dense=(), dropout=0.5))[-3:] == ["flatten", "dropout_1", "logits"]


def test_standardization_is_by_the_given_statistics_and_stays_with_the_model():
    net = build((8, 8, 3), standardize=True)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(net))
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    expected = (images - np.float32(STATISTICS.mean)) / np.float32(STATISTICS.std)
    for model in net, restored:
        inner = keras.Model(model.input, model.get_layer("standardization").output)
        np.testing.assert_allclose(np.asarray(inner(images)), expected, rtol=1e-5, atol=1e-6)


def test_initial_weights_of_other_layers_stay_as_they_are():
    plain = weights(build(filters=(2, 2), convolutions=2))
    for change in ({"residual": True}, {"batch_normalization": True}, {"block_dropout": 0.5}):
        changed = weights(build(filters=(2, 2), convolutions=2, **change))
        assert all((changed[path] == values).all() for path, values in plain.items())


@pytest.mark.parametrize(
    ("params", "shape"),
    [
        ({"filters": (2,) * 4}, (8, 8, 1)),
        ({"filters": (2, 2), "padding": "valid"}, (8, 4, 1)),
        ({"padding": "valid", "kernel": 9}, (8, 8, 1)),
        ({"pool": 9}, (8, 8, 1)),
        ({"padding": "valid", "convolutions": 4}, (8, 8, 1)),
        ({"padding": "valid", "convolutions": 3, "pool_after": "first"}, (8, 8, 1)),
    ],
)
def test_more_blocks_than_pixels_are_refused(params, shape):
    with pytest.raises(ParameterError, match=r"model\.filters has .* would leave no pixel"):
        build(shape, **params)


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"filters": ()},
        {"filters": (0,)},
        {"kernel": 0},
        {"pool": 0},
        {"activation": "swoosh"},
        {"kernel_initializer": "magic"},
        {"dense": (0,)},
        {"convolutions": 0},
        {"block_dropout": 1.0},
        {"features": "some"},
        {"residual": True, "padding": "valid"},
        {"residual": True, "pool_after": "first"},
        {"pool_after": "none"},
        {"bias_initializer": "orthogonal"},
    ],
)
def test_impossible_parameters_are_refused(params):
    with pytest.raises(ValidationError):
        cnn.Params(**params)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"convolutions": 2, "residual": True},
        {"features": "global_max", "kernel": 5, "padding": "valid", "filters": (3, 5), "dense": ()},
        {"pool_after": "first", "convolutions": 2, "padding": "valid", "filters": (4,)},
    ],
)
def test_weights_are_counted_before_there_are_any(values):
    params = cnn.Params(**values)
    network = cnn.build(params, (30, 26, 3), 7, STATISTICS)
    shortcuts = sum(  # their biases are left out
        layer.count_params() for layer in network.layers if layer.name.startswith("shortcut")
    )
    biases = sum(params.filters) if shortcuts else 0
    assert params.weights((30, 26, 3), 7) == network.count_params() - biases


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"filters": (4096,) * 50}, "7,399,518,594 weights"),
        ({"filters": (1,) * 300, "convolutions": 2}, "602 layers"),
        ({"filters": (1,) * 501}, "at most 500"),
        ({"dense": (65_536,) * 3}, "8,598,743,554 weights"),
    ],
)
def test_networks_that_no_memory_holds_are_refused(values, fault):
    with pytest.raises(ValidationError, match=fault):
        cnn.Params(**values)


def test_weights_that_follow_from_the_images_are_refused_before_they_are_made():
    with pytest.raises(
        ParameterError, match=r"model: the network would have [\d,]+ weights, above"
    ):
        cnn.build(cnn.Params(dense=(60_000,), pool=1), (1000, 1000, 3), 10, STATISTICS)
