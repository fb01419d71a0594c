import json

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from networks import residual
from pipeline.shards.index import Statistics

pytestmark = pytest.mark.usefixtures("tensorflow")

STATISTICS = Statistics((0.25, 0.5, 0.75), (0.1, 0.2, 0.4))
IMAGES = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)


def build(shape=(8, 8, 3), classes=3, seed=0, precision="float32", **params):
    small = {"widths": (2, 4), "depths": (1, 1)}
    return residual.build(
        residual.Params(**small | params),
        shape,
        classes,
        STATISTICS,
        seed=seed,
        precision=precision,
    )


def weights(net):
    return {v.path: np.asarray(v) for v in net.trainable_variables}


def layers_with_weights(net):
    """Return the convolutions and dense layers, as the paper counts layers: without shortcuts."""
    kinds = (keras.layers.Conv2D, keras.layers.Dense)
    return [
        layer for layer in net.layers if isinstance(layer, kinds) and "shortcut" not in layer.name
    ]


@pytest.mark.parametrize(("depth", "layers", "millions"), [(3, 20, 0.27), (5, 32, 0.46)])
def test_the_papers_networks_for_cifar10(depth, layers, millions):
    """Table 6 of He et al., "Deep Residual Learning for Image Recognition".

    Shortcuts have no parameters there.
    """
    net = build((32, 32, 3), 10, widths=(16, 32, 64), depths=(depth,) * 3)
    assert len(layers_with_weights(net)) == layers
    own = sum(v.size for path, v in weights(net).items() if "shortcut" not in path)
    assert round(own / 1e6, 2) == millions
    sums = [layer.output.shape[1:] for layer in net.layers if layer.name.startswith("sum")]
    assert sums == [(32, 32, 16)] * depth + [(16, 16, 32)] * depth + [(8, 8, 64)] * depth


def test_a_block_is_the_papers():
    """Normalization, activation, convolution, twice, then the sum with the block's input."""
    net = build(standardize=False, widths=(2,), depths=(1,))
    values = weights(net) | {v.path: np.asarray(v) for v in net.non_trainable_variables}

    def activated(x, name):
        _, _, mean, variance = (
            values[f"normalization_{name}/{part}"]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return np.maximum((x - mean) / np.sqrt(variance + 1e-3), 0)

    def convolved(x, name):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        return np.einsum("nhwcij,ijcf->nhwf", windows, values[f"{name}/kernel"])

    before = x = convolved(IMAGES, "stem")
    x = convolved(activated(x, "1_1_1"), "convolution_1_1_1")
    x = convolved(activated(x, "1_1_2"), "convolution_1_1_2") + before
    features = activated(x, "last").mean((1, 2))
    expected = features @ values["logits/kernel"] + values["logits/bias"]
    np.testing.assert_allclose(np.asarray(net(IMAGES)), expected, rtol=1e-4, atol=1e-5)


def test_a_block_whose_convolutions_are_zero_is_its_input():
    net = build(widths=(2,), depths=(2,))
    for variable in net.get_layer("convolution_1_2_2").variables:
        variable.assign(np.zeros(variable.shape))
    one, two = (keras.Model(net.input, net.get_layer(f"sum_1_{n}").output) for n in (1, 2))
    assert (np.asarray(one(IMAGES)) == np.asarray(two(IMAGES))).all()
    assert np.asarray(one(IMAGES)).any()


def test_shortcuts_have_weights_only_where_the_shape_changes():
    net = build(widths=(2, 2, 4), depths=(2, 1, 2))
    shortcuts = [layer.name for layer in net.layers if "shortcut" in layer.name]
    assert shortcuts == ["shortcut_2_1", "shortcut_3_1"]  # smaller maps; more filters too


def test_every_parameter_does_what_it_says():
    assert "standardization" not in [layer.name for layer in build(standardize=False).layers]
    assert build(kernel=5).get_layer("stem").kernel_size == (5, 5)
    assert build(kernel=5).get_layer("shortcut_2_1").kernel_size == (1, 1)
    assert build(stem_stride=2).get_layer("sum_1_1").output.shape[1:3] == (4, 4)
    pooled = build(stem_pool=2)
    assert pooled.get_layer("pooling").output.shape[1:3] == (4, 4)
    assert pooled.get_layer("sum_1_1").output.shape[1:3] == (4, 4)
    assert "pooling" not in [layer.name for layer in build().layers]
    assert build(activation="silu").get_layer("activation_last").activation.__name__ == "silu"
    assert build(momentum=0.75).get_layer("normalization_last").momentum == 0.75
    assert build(block_dropout=0.25).get_layer("dropout_2_1").rate == 0.25
    assert build(dropout=0.5).get_layer("dropout").rate == 0.5
    zero = build(kernel_initializer="zeros").get_layer("convolution_1_1_1")
    assert not np.asarray(zero.kernel).any()


def test_standardization_is_by_the_given_statistics():
    net = build()
    inner = keras.Model(net.input, net.get_layer("standardization").output)
    expected = (IMAGES - np.float32(STATISTICS.mean)) / np.float32(STATISTICS.std)
    np.testing.assert_allclose(np.asarray(inner(IMAGES)), expected, rtol=1e-5, atol=1e-6)


def test_seed_decides_the_weights_of_each_layer_alone():
    first, again, other = (weights(build(seed=seed)) for seed in (1, 1, 2))
    deeper = weights(build(seed=1, depths=(2, 1), block_dropout=0.5, dropout=0.5))
    for path, values in first.items():
        assert (values == again[path]).all()
        assert (values == deeper[path]).all()
        if "kernel" in path:
            assert (values != other[path]).all()
    kernels = [values.flat[0] for path, values in deeper.items() if "kernel" in path]
    assert len(set(kernels)) == len(kernels)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_it_is_restored_in_each_precision_from_its_architecture_and_weights(precision):
    net = build(precision=precision, dropout=0.5)
    assert net.get_layer("stem").compute_dtype == precision
    assert {variable.dtype for variable in net.trainable_variables} == {"float32"}
    assert net.outputs[0].dtype == "float32"
    text = json.dumps(keras.saving.serialize_keras_object(net))
    restored = keras.saving.deserialize_keras_object(json.loads(text), safe_mode=True)
    restored.set_weights(net.get_weights())
    assert (np.asarray(restored(IMAGES)) == np.asarray(net(IMAGES))).all()


@pytest.mark.parametrize("side", [1, 3])
def test_images_of_few_pixels_are_no_error(side):
    net = build((side, side, 3), widths=(2, 2, 2), depths=(1, 1, 1))
    assert np.isfinite(np.asarray(net(np.ones((1, side, side, 3), np.float32)))).all()


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"widths": (2, 2)}, "equally many, one of each for a stage; there are 2 and 3"),
        ({"widths": (), "depths": ()}, "at least 1 item"),
        ({"widths": (0, 1, 1)}, "greater than 0"),
        ({"dropout": 1.0}, "less than 1"),
        ({"width": 3}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_refused(params, fault):
    with pytest.raises(ValidationError, match=fault):
        residual.Params(**params)
