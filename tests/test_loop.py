import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline import network, optimization
from pipeline.loop import Loop, batches, normalize
from pipeline.network import ModelParams
from pipeline.subsets import Images
from tests.builders import ROOT, pixels

pytestmark = pytest.mark.usefixtures("tensorflow")

ADAM = optimization.Adam(name="adam", learning_rate=0.01)
CONSTANT = optimization.Constant(name="constant")


def images(n=10, shape=(8, 8, 1)):
    labels = (np.arange(n) % 3).astype(np.int32)
    return Images([str(i) for i in range(n)], pixels(labels, shape), labels, 255)


def loop(scale_loss=False, precision="float32", **params):
    model = ModelParams(**{"filters": (3,), "dense": (4,)} | params)
    net = network.build(model, (8, 8, 1), 3, seed=1, precision=precision)
    optimizer = optimization.build(ADAM, CONSTANT, 1, 1)
    return Loop(net, optimizer, tf.distribute.get_strategy(), scale_loss=scale_loss)


def silent(*_):
    pass


def normalized(data):
    return (data.pixels / 255).astype(np.float32)


def test_an_epoch_is_what_keras_fit_does():
    """Two epochs: the same running means, the same weights; the last batch is incomplete."""
    data = images(11)
    ours, theirs = loop(), loop().network
    theirs.compile(
        optimizer=optimization.build(ADAM, CONSTANT, 1, 1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    fitted = theirs.fit(
        normalized(data), data.labels, batch_size=4, epochs=2, shuffle=False, verbose=0
    ).history
    for epoch in range(2):
        means = ours.train(data, np.arange(11), 4, silent)
        assert means.loss == pytest.approx(fitted["loss"][epoch], rel=1e-5)
        assert means.accuracy == pytest.approx(fitted["accuracy"][epoch])
    for mine, other in zip(ours.network.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(np.asarray(mine), np.asarray(other), atol=1e-5)
    loss, accuracy = theirs.evaluate(normalized(data), data.labels, verbose=0)
    means = ours.test(data, 4)
    assert means.loss == pytest.approx(loss, rel=1e-4)
    assert means.accuracy == pytest.approx(accuracy)


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


def test_batches_are_in_the_given_order():
    data = images(7)
    order = np.array([6, 0, 3, 2])
    found = list(batches(data, order, 3))
    assert [len(labels) for _, labels in found] == [3, 1]
    assert (np.concatenate([part for part, _ in found]) == data.pixels[order]).all()
    assert (np.concatenate([part for _, part in found]) == data.labels[order]).all()


def test_report_is_told_the_running_means(monkeypatch):
    monkeypatch.setattr("pipeline.loop.STEPS_A_CALL", 2)
    told = []
    means = loop().train(images(10), np.arange(10), 3, lambda *values: told.append(values))
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
    losses = [ours.train(data, np.arange(12), 4, silent).loss for _ in range(6)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


MIRRORED = """
import sys
import numpy as np
import tensorflow as tf
from tests import test_loop
from pipeline import network, optimization
from pipeline.loop import Loop
from pipeline.network import ModelParams
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for params in ({}, {"dropout": 0.5, "batch_normalization": True}):
    found = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        with strategy.scope():
            model = ModelParams(filters=(3,), dense=(4,), **params)
            net = network.build(model, (8, 8, 1), 3, seed=1)
            loop = Loop(net, optimization.build(test_loop.ADAM, test_loop.CONSTANT, 1, 1), strategy)
        data = test_loop.images(11)
        means = loop.train(data, np.arange(11), 4, test_loop.silent)
        weights = [np.asarray(variable) for variable in net.trainable_variables]
        found.append([*means, *loop.test(data, 4), *weights])
    for one, two in zip(*found, strict=True):
        assert np.isfinite(two).all()
        if not params:
            np.testing.assert_allclose(two, one, atol=1e-5)
"""


def test_two_devices_train_as_one():
    """Two logical CPU devices, mirrored, give the weights and means of one."""
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
