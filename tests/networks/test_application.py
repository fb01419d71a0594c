import functools
import inspect
import json
import random
import sys
from typing import get_args

import cv2
import keras
import numpy as np
import pytest
from pydantic import ValidationError

from networks import application
from pipeline.core.errors import ParameterError
from pipeline.models import families
from pipeline.shards.index import Statistics
from pipeline.train import fused

pytestmark = pytest.mark.usefixtures("tensorflow")

STATISTICS = Statistics((0.25, 0.5, 0.75), (0.1, 0.2, 0.4))
LEVELS = np.random.default_rng(0).integers(0, 256, (2, 32, 40, 3))
"""Pixels of two RGB images, from 0 to 255."""
IMAGES = (LEVELS / 255).astype(np.float32)
OTHERS = [
    pytest.param(name, marks=pytest.mark.slow)
    for name in (
        "MobileNetV2",
        "MobileNetV3Small",
        "MobileNetV3Large",
        "ResNet50",
        "ResNet50V2",
        "DenseNet121",
        "EfficientNetV2B0",
        "EfficientNetV2S",
        "ConvNeXtTiny",
        "NASNetMobile",
    )
]
"""One of each of Keras's functions and preprocessings, but for the quick ones."""


@functools.cache
def build(shape=(32, 40, 3), seed=0, precision="float32", backbone="VGG16", **params):
    params = application.Params(backbone=backbone, **params)
    return application.build(params, shape, 3, STATISTICS, seed=seed, precision=precision)


def output(net, layer, images):
    inner = keras.Model(net.input, net.get_layer(layer).output)
    return np.asarray(inner(images))


def text(net):
    return json.dumps(keras.saving.serialize_keras_object(net))


def keras_own(backbone):
    """Return Keras's own network without a top, and the preprocessing that goes before it."""
    maker = getattr(keras.applications, backbone)
    network = maker(include_top=False, weights=None, input_shape=(32, 40, 3), pooling="avg")
    return network, sys.modules[maker.__module__].preprocess_input


def test_every_network_that_keras_publishes_is_a_backbone_or_left_out_for_a_reason():
    published = {name for name, _ in inspect.getmembers(keras.applications, inspect.isfunction)}
    left_out = {name for name in published if name.startswith(("EfficientNetB", "Inception"))}
    assert published - left_out - {"Xception"} == set(get_args(application.Backbone))


@pytest.mark.parametrize("backbone", ["MobileNet", "VGG16", *OTHERS])
def test_features_are_of_keras_own_network_behind_its_own_preprocessing(backbone):
    """On whole numbers from 0 to 255, which is what its authors trained it on."""
    net = build(backbone=backbone, dropout=0.0)
    reference, preprocess = keras_own(backbone)
    reference.set_weights(net.get_weights()[:-2])  # all but the head's
    expected = np.asarray(reference(preprocess(LEVELS.astype(np.float32))))
    head = net.get_layer("logits")
    found = np.asarray(keras.Model(net.input, head.input)(IMAGES))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert expected.std() > 0
    assert net.count_params() == reference.count_params() + head.count_params()
    ours, theirs = (
        {layer.name for layer in model.layers if layer.weights and "layer_norm" not in layer.name}
        for model in (net, reference)  # ConvNeXt's last has the number of its making as its name
    )
    assert ours == theirs | {"logits"}


@pytest.mark.parametrize(
    ("backbone", "least", "most"),
    [
        ("MobileNet", [-1.0] * 3, [1.0] * 3),
        ("VGG16", [-103.939, -116.779, -123.68], [151.061, 138.221, 131.32]),
        pytest.param("EfficientNetV2S", [-1.0] * 3, [127 / 128] * 3, marks=pytest.mark.slow),
        pytest.param(
            "DenseNet121",
            [-2.1179, -2.0357, -1.8044],
            [2.2489, 2.4286, 2.64],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_black_and_white_become_the_ends_of_the_backbones_range(backbone, least, most):
    ends = np.stack([np.zeros((32, 40, 3), np.float32), np.ones((32, 40, 3), np.float32)])
    found = output(build(backbone=backbone), "preprocessing", ends)[:, 0, 0]
    np.testing.assert_allclose(found, [least, most], atol=1e-4)


def test_preprocessing_is_in_float32_whatever_the_precision():
    low, full = (
        output(build(precision=precision), "preprocessing", IMAGES)
        for precision in ("bfloat16", "float32")
    )
    assert low.dtype == np.float32
    assert (low == full).all()


def test_a_grey_image_is_one_of_three_equal_channels():
    grey, rgb = build((32, 40, 1)), build()
    repeated = np.repeat(IMAGES[..., :1], 3, axis=-1)
    assert grey.input_shape == (None, 32, 40, 1)
    assert (np.asarray(grey(IMAGES[..., :1])) == np.asarray(rgb(repeated))).all()


def test_small_images_are_enlarged_bilinearly():
    small = IMAGES[:, :16, :16]
    found = output(build((16, 16, 3), enlarge=3), "enlarged", small)
    expected = [cv2.resize(image, (48, 48), interpolation=cv2.INTER_LINEAR) for image in small]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "enlarge", "remedy"), [((28, 28, 1), 1, 2), ((40, 7, 3), 4, 5), ((31, 31, 3), 1, 2)]
)
def test_images_that_are_too_small_are_refused_with_a_factor_that_will_do(shape, enlarge, remedy):
    with pytest.raises(ParameterError) as caught:
        build(shape, enlarge=enlarge)
    assert str(caught.value) == (
        f"images of {shape[0]}x{shape[1]} are too small for model.backbone VGG16, which takes "
        f"32x32 or more; let model.enlarge be {remedy} or more, or decode larger images"
    )
    build(shape, enlarge=remedy)


def test_seed_decides_the_weights_and_nothing_else_does():
    first = build.__wrapped__(seed=1)
    random.seed(7)
    state, policy = random.getstate(), keras.config.dtype_policy()
    again = build.__wrapped__(seed=1)
    assert random.getstate() == state
    assert keras.config.dtype_policy() == policy
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()
    assert text(first) == text(again)
    for one, other in zip(first.trainable_variables, build().trainable_variables, strict=True):
        if "kernel" in one.path:
            assert (np.asarray(one) != np.asarray(other)).any()


def test_a_failure_leaves_keras_as_it_was(monkeypatch):
    def fail(**_):
        raise ValueError("no such network")

    monkeypatch.setattr(keras.applications, "VGG16", fail)
    state, policy = random.getstate(), keras.config.dtype_policy()
    with pytest.raises(ValueError, match="no such network"):
        build.__wrapped__(precision="bfloat16")
    assert random.getstate() == state
    assert keras.config.dtype_policy() == policy


@pytest.mark.parametrize(
    ("backbone", "precision"),
    [
        ("VGG16", "float32"),
        *(
            pytest.param(name, "bfloat16", marks=pytest.mark.slow)
            for name in ("MobileNetV3Small", "EfficientNetV2B0", "ConvNeXtTiny")
        ),
    ],
)
def test_it_is_restored_from_its_architecture_and_weights(backbone, precision):
    """Also after training, which fuses its batch normalization for a while."""
    params = application.Params(backbone=backbone)
    family = families.family("application")
    net = families.build(family, params, (32, 40, 3), 3, STATISTICS, precision=precision)
    computing = {layer.compute_dtype for layer in net.layers if layer.weights}
    assert computing <= {precision, "float32"}
    assert precision in computing
    assert {variable.dtype for variable in net.trainable_variables} == {"float32"}
    assert net.outputs[0].dtype == "float32"
    trained = fused.portable(fused.fused(net))
    restored = keras.saving.deserialize_keras_object(json.loads(text(trained)), safe_mode=True)
    restored.set_weights(trained.get_weights())
    assert text(trained) == text(net)
    expected = np.asarray(net(IMAGES))
    assert np.isfinite(expected).all()
    assert (np.asarray(restored(IMAGES)) == expected).all()


def test_every_parameter_does_what_it_says():
    momenta = {
        momentum: {
            layer.momentum
            for layer in build(backbone="MobileNet", momentum=momentum).layers
            if isinstance(layer, keras.layers.BatchNormalization)
        }
        for momentum in (0.75, None)
    }
    assert momenta == {0.75: {0.75}, None: {0.99}}
    assert build(dropout=0.5).get_layer("dropout").rate == 0.5
    assert "dropout" not in [layer.name for layer in build(dropout=0.0).layers]
    maps, best = build(pooling="max"), build(pooling="max").get_layer("logits").input
    found = np.asarray(keras.Model(maps.input, best)(IMAGES))
    np.testing.assert_array_equal(found, output(maps, "block5_pool", IMAGES).max((1, 2)))


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"backbone": "MobileNetV3"}, "MobileNetV3Small"),
        ({"backbone": "Xception"}, "Input should be"),
        ({"enlarge": 0}, "greater than 0"),
        ({"momentum": 1.0}, "less than 1"),
        ({"weights": "imagenet"}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_refused(params, fault):
    with pytest.raises(ValidationError, match=fault):
        application.Params(**params)
