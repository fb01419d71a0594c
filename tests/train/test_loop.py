import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from networks import cnn
from pipeline.shards.index import Statistics
from pipeline.train.augmentation.augmenter import Augmenter
from pipeline.train.loop import Loop, cross_entropy, hits, normalize, weights_of
from pipeline.train.optimizers import Adam, AdamW, Sgd
from pipeline.train.params import Augmentation
from tests.support.builders import ROOT, in_memory, pixels

pytestmark = pytest.mark.usefixtures("tensorflow")

ADAM = Adam(name="adam", learning_rate=0.01)
STATISTICS = Statistics((0.5,), (0.25,))


def images(n=10, shape=(8, 8, 1)):
    labels = (np.arange(n) % 3).astype(np.int32)
    return in_memory(pixels(labels, shape), labels)


def loop(
    scale_loss=False,
    precision="float32",
    optimizer=ADAM,
    smoothing=0.0,
    weights=None,
    augment=None,
    **params,
):
    model = cnn.Params(**{"filters": (3,), "dense": (4,)} | params)
    net = cnn.build(model, (8, 8, 1), 3, STATISTICS, seed=1, precision=precision)
    built = optimizer.build(optimizer.learning_rate)
    return Loop(
        net,
        built,
        tf.distribute.get_strategy(),
        scale_loss=scale_loss,
        label_smoothing=smoothing,
        class_weights=weights,
        augment=augment,
    )


def silent(*_):
    pass


class Read:
    """Images that are read in every pass; they are not held in memory."""

    def __init__(self, images):
        self.images = images

    def __getattr__(self, name):
        return getattr(self.images, name)


def normalized(data):
    return (data.pixels / 255).astype(np.float32)


def test_an_epoch_is_what_keras_fit_does():
    """Two epochs: the same running means, the same weights; the last batch is incomplete."""
    data = images(11)
    ours, theirs = loop(), loop().network
    theirs.compile(
        optimizer=ADAM.build(ADAM.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    fitted = theirs.fit(
        normalized(data), data.labels, batch_size=4, epochs=2, shuffle=False, verbose=0
    ).history
    for epoch in range(2):
        means = ours.train(data, np.arange(11), 4, silent, 1)
        assert means.loss == pytest.approx(fitted["loss"][epoch], rel=1e-5)
        assert means.accuracy == pytest.approx(fitted["accuracy"][epoch])
    for mine, other in zip(ours.network.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(other), atol=1e-5)
    loss, accuracy = theirs.evaluate(normalized(data), data.labels, verbose=0)
    means = ours.test(data, 4)
    assert means.loss == pytest.approx(loss, rel=1e-4)
    assert means.accuracy == pytest.approx(accuracy)


def test_class_weights_are_those_of_keras_fit():
    data = images(11)
    weights = np.array([0.5, 1.0, 3.0])
    ours, theirs = loop(weights=weights), loop().network
    theirs.compile(
        optimizer=ADAM.build(ADAM.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    theirs.fit(
        normalized(data),
        data.labels,
        batch_size=4,
        epochs=2,
        shuffle=False,
        verbose=0,
        class_weight=dict(enumerate(weights)),
    )
    for _ in range(2):
        ours.train(data, np.arange(11), 4, silent, 1)
    for mine, other in zip(ours.network.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(other), atol=1e-5)


def test_equal_class_weights_are_none_and_shares_are_weighted():
    data, found = images(8), []
    for weights in (None, np.ones(3)):
        ours = loop(weights=weights)
        found.append(ours.train(data, np.arange(8), 4, silent, 1).loss)
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    shares = tf.constant([[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]])
    weights = tf.constant([1.0, 2.0, 4.0])
    assert weights_of(shares, weights).numpy().tolist() == [1.75, 4.0]
    assert weights_of(tf.constant([1, 2]), weights).numpy().tolist() == [2.0, 4.0]


def test_test_leaves_no_image_out_and_changes_nothing():
    data, ours = images(10), loop(dropout=0.5, batch_normalization=True)
    before = [np.asarray(v).copy() for v in ours.network.variables]
    found = {ours.test(data, batch) for batch in (10, 10)}
    assert len(found) == 1
    (whole,) = found
    assert ours.test(data, 3).loss == pytest.approx(whole.loss, rel=1e-5)
    assert ours.test(data, 3).accuracy == whole.accuracy
    for variable, values in zip(ours.network.variables, before, strict=True):
        assert (np.asarray(variable) == values).all()


def test_report_is_told_the_running_means(monkeypatch):
    monkeypatch.setattr("pipeline.train.loop.STEPS_A_CALL", 2)
    told = []
    means = loop().train(images(10), np.arange(10), 3, lambda *values: told.append(values), 1)
    assert [done for done, _, _ in told] == [6, 10]
    assert told[-1][1:] == means


@pytest.mark.parametrize(("divisor", "kind"), [(255, np.uint8), (65535, np.uint16)])
def test_normalization_on_the_device_is_the_shards(divisor, kind):
    values = np.arange(divisor + 1).astype(kind)
    found = tf.function(normalize)(values, tf.constant(divisor, tf.float32)).numpy()
    assert (found == np.divide(values, np.float32(divisor), dtype=np.float32)).all()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_learns(precision):
    ours = loop(precision=precision, scale_loss=precision == "float16")
    data = images(12)
    losses = [ours.train(data, np.arange(12), 4, silent, 1).loss for _ in range(6)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


def test_label_smoothing_is_keras():
    labels, logits = np.int32([0, 2, 1]), np.float32([[1, 2, 3], [0, 0, 5], [-1, 4, 0]])
    theirs = keras.losses.CategoricalCrossentropy(True, 0.2, reduction="none")
    expected = theirs(keras.ops.one_hot(labels, 3), logits)
    found = cross_entropy(tf.constant(labels), tf.constant(logits), 0.2)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert float(hits(tf.constant(labels), tf.constant(logits))) == 2


def test_shares_of_classes_count_as_labels():
    shares = np.float32([[0.7, 0.3, 0], [0, 0.5, 0.5]])
    logits = np.float32([[3, 2, 1], [0, 1, 2]])
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    found = cross_entropy(tf.constant(shares), tf.constant(logits))
    np.testing.assert_allclose(found, -(shares * logs).sum(1), rtol=1e-6)
    assert float(hits(tf.constant(shares), tf.constant(logits))) == 1


def test_smoothing_is_of_the_training_loss_alone():
    data = images(8)
    plain, smooth = loop(), loop(smoothing=0.3)
    assert plain.test(data, 4) == smooth.test(data, 4)
    before = plain.train(data, np.arange(8), 8, silent, 1).loss
    assert smooth.train(data, np.arange(8), 8, silent, 1).loss != pytest.approx(before, rel=1e-3)


def test_moving_average_of_the_weights():
    ours = loop(optimizer=ADAM.model_copy(update={"average": 0.8}))
    data = images(9)
    average = None
    for _ in range(3):
        for start in 0, 3, 6:
            ours.train(data, np.arange(start, start + 3), 3, silent, 1)
            now = [np.asarray(v).copy() for v in ours.network.trainable_variables]
            average = (
                [0.8 * a + 0.2 * v for a, v in zip(average, now, strict=True)] if average else now
            )
    last = [np.asarray(v).copy() for v in ours.network.trainable_variables]
    for found, expected in zip(ours.weights(), average, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    for variable, values in zip(ours.network.trainable_variables, last, strict=True):
        assert (np.asarray(variable) == values).all()


def test_gradients_are_clipped_to_their_norm():
    sgd = Sgd(name="sgd", learning_rate=1.0, clip_norm=0.01)
    ours, data = loop(optimizer=sgd), images(8)
    before = [np.asarray(v).copy() for v in ours.network.trainable_variables]
    ours.train(data, np.arange(8), 8, silent, 1)
    moves = [
        np.asarray(v) - b for v, b in zip(ours.network.trainable_variables, before, strict=True)
    ]
    assert np.sqrt(sum((move**2).sum() for move in moves)) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("scale_loss", [False, True])
def test_weights_decay_but_biases_and_normalization_do_not(scale_loss):
    adamw = AdamW(name="adamw", learning_rate=1e-9, weight_decay=1e8)
    ours = loop(optimizer=adamw, batch_normalization=True, scale_loss=scale_loss)
    before = {v.path: np.asarray(v).copy() for v in ours.network.trainable_variables}
    ours.train(images(8), np.arange(8), 8, silent, 1)
    for variable in ours.network.trainable_variables:
        share = 0.9 if variable.path.endswith("kernel") else 1.0
        np.testing.assert_allclose(
            np.asarray(variable), share * before[variable.path], rtol=1e-3, atol=1e-6
        )


@pytest.mark.parametrize(("gpus", "in_steps"), [([], True), (["GPU:0"], False)])
def test_cpus_alone_augment_within_the_steps(monkeypatch, gpus, in_steps):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda _: gpus)
    assert loop().augments_in_steps == in_steps


def test_augmented_images_are_trained_on():
    def black(epoch, step, pixels, labels):
        return tf.zeros_like(pixels), labels

    ours, data = loop(augment=black), images(8)
    ours.train(data, np.arange(8), 4, silent, 1)
    other = loop()
    other.train(in_memory(np.zeros_like(data.pixels), data.labels), np.arange(8), 4, silent, 1)
    for mine, theirs in zip(ours.weights(), other.weights(), strict=True):
        assert (mine == theirs).all()


@pytest.mark.parametrize("mixed", [{}, {"mixup": 0.5, "cutmix": 0.5}])
def test_weights_are_the_same_wherever_images_are_augmented(mixed, monkeypatch):
    """In the steps, as on CPUs, from memory and from disk, and before them, as for GPUs."""
    monkeypatch.setattr("pipeline.train.loop.STEPS_A_CALL", 2)
    every = Augmentation(
        flip_horizontal=True,
        flip_vertical=True,
        shift=2,
        crop=0.2,
        rotation=20,
        zoom=0.1,
        brightness=0.2,
        contrast=0.2,
        trivial=True,
        erasing=0.5,
        **mixed,
    )
    data, found = images(40), []
    for in_steps, held in ((True, data), (False, data), (True, Read(data))):
        ours = loop(augment=Augmenter(every, 3, 7))
        ours.augments_in_steps = in_steps
        for epoch in (1, 2):
            ours.train(held, np.arange(40)[::-1], 8, silent, epoch)
        found.append(ours.weights())
        assert bool(ours.stores) == (in_steps and held is data)
    for one, *others in zip(*found, strict=True):
        assert all((one == other).all() for other in others)


MIRRORED = """
import numpy as np
import tensorflow as tf
from networks import cnn
from pipeline.shards.index import Statistics
from pipeline.train.augmentation.augmenter import Augmenter
from pipeline.train.loop import Loop
from pipeline.train.optimizers import Adam
from pipeline.train.params import Augmentation
from tests.support.builders import in_memory, pixels
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
labels = np.arange(11, dtype=np.int32) % 3
data = in_memory(pixels(labels, (8, 8, 1)), labels)
augmenter = Augmenter(Augmentation(shift=2, erasing=0.5, mixup=0.5), 3, 7)
for params in (
    {},
    {"dropout": 0.5, "batch_normalization": True},
    {"clip": 0.01},
    {"xla": True},
    {"augment": augmenter},
):
    clip, xla = params.pop("clip", None), params.pop("xla", False)
    augment = params.pop("augment", None)
    exact = not params
    adam = Adam(name="adam", learning_rate=0.01, clip_norm=clip, average=0.5)
    found = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        replicas = strategy.num_replicas_in_sync
        with strategy.scope():
            model = cnn.Params(filters=(3,), dense=(4,), **params)
            net = cnn.build(model, (8, 8, 1), 3, Statistics((0.5,), (0.25,)), seed=1)
            built = adam.build(adam.learning_rate, replicas)
            loop = Loop(net, built, strategy, augment=augment, xla=xla and replicas == 2)
        assert not (loop.augments_in_steps and replicas == 2)
        means = loop.train(data, np.arange(11), 4, lambda *values: None, 1)
        weights = [np.asarray(variable) for variable in net.trainable_variables]
        found.append([*means, *loop.test(data, 4), *weights, *loop.weights()])
    for one, two in zip(*found, strict=True):
        assert np.isfinite(two).all()
        if exact:
            np.testing.assert_allclose(two, one, atol=1e-5)
"""


@pytest.mark.slow
def test_two_devices_train_as_one():
    """Two logical CPU devices, mirrored, give the weights and means of one."""
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
