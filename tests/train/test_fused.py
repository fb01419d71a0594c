import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.train import fused

pytestmark = pytest.mark.usefixtures("tensorflow")

IMAGES = np.random.default_rng(0).normal(3, 2, (4, 6, 6, 5)).astype(np.float32)
UPSTREAM = np.random.default_rng(2).normal(size=IMAGES.shape).astype(np.float32)


def pair(dtype="float32"):
    """Return our layer and Keras's, of the same weights."""
    layers = [
        kind(name="normalization", dtype=dtype, momentum=0.5)
        for kind in (fused.FusedBatchNormalization, keras.layers.BatchNormalization)
    ]
    rng = np.random.default_rng(1)
    for layer in layers:
        layer.build(IMAGES.shape)
    for one, other in zip(*(layer.trainable_variables for layer in layers), strict=True):
        one.assign(rng.normal(size=one.shape))
        other.assign(one)
    return layers


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.05)])
def test_fused_normalization_is_keras_in_values_gradients_and_moments(dtype, tolerance):
    values, gradients = [], []
    for layer in (both := pair(dtype)):
        images = tf.cast(IMAGES, layer.compute_dtype)
        with tf.GradientTape() as tape:
            tape.watch(images)
            found = layer(images, training=True)
            loss = tf.reduce_sum(tf.cast(found, tf.float32) * UPSTREAM)
        assert found.dtype == layer.compute_dtype
        values.append(np.asarray(tf.cast(found, tf.float32)))
        weights = [variable.value for variable in layer.trainable_variables]
        gradients.append(tape.gradient(loss, [images, *weights]))
    np.testing.assert_allclose(*values, rtol=tolerance, atol=tolerance)
    for one, other in zip(*gradients, strict=True):
        scale = float(tf.reduce_max(tf.abs(tf.cast(other, tf.float32))))
        np.testing.assert_allclose(
            tf.cast(one, tf.float32), tf.cast(other, tf.float32), atol=tolerance * scale
        )
    ours, keras_own = both
    np.testing.assert_allclose(ours.moving_mean, keras_own.moving_mean, rtol=1e-5)
    n = IMAGES[..., 0].size
    biased = 0.5 + (np.asarray(ours.moving_variance) - 0.5) * (n - 1) / n
    np.testing.assert_allclose(biased, keras_own.moving_variance, rtol=1e-5)


def test_inference_is_keras_own():
    ours, keras_own = (np.asarray(layer(IMAGES, training=False)) for layer in pair())
    assert (ours == keras_own).all()


def test_a_portable_network_is_of_keras_own_layers_and_the_same():
    image = keras.Input(IMAGES.shape[1:])
    network = keras.Model(image, fused.FusedBatchNormalization(name="normalization_1")(image))
    network(IMAGES, training=True)
    found = fused.portable(network)
    assert type(found.get_layer("normalization_1")) is keras.layers.BatchNormalization
    assert (np.asarray(found(IMAGES)) == np.asarray(network(IMAGES))).all()
    text = str(keras.saving.serialize_keras_object(found))
    assert "pipeline" not in text
    assert fused.portable(found) is found


def test_a_network_with_operations_and_other_normalizations_trains_and_is_restored():
    """Only normalization of maps, by each channel, with a scale and an offset, can be fused."""
    normalization = keras.layers.BatchNormalization
    image = keras.Input(IMAGES.shape[1:])
    maps = normalization(name="fused")(keras.ops.flip(image, axis=-1) + 3.0)
    maps = normalization(name="of_rows", axis=1)(normalization(name="no_scale", scale=False)(maps))
    vectors = normalization(name="of_vectors")(keras.layers.GlobalAveragePooling2D()(maps))
    network = keras.Model(image, vectors)
    found = fused.fused(network)
    kinds = {layer.name: type(layer) for layer in found.layers if isinstance(layer, normalization)}
    others = dict.fromkeys(("of_rows", "no_scale", "of_vectors"), normalization)
    assert kinds == {"fused": fused.FusedBatchNormalization} | others
    expected = np.asarray(network(IMAGES, training=True))
    np.testing.assert_allclose(found(IMAGES, training=True), expected, rtol=1e-3, atol=1e-4)
    restored = fused.portable(found)
    assert (np.asarray(restored(IMAGES)) == np.asarray(found(IMAGES))).all()
