"""Loop: the steps of training and evaluation, under ``tf.distribute``.

Keras builds the network and updates its weights. The rest is here. Images come as integers, in an
order that depends on (seed, epoch) alone, and are normalized on the device. Many steps run in one
call of a ``tf.function``; the sums of loss and hits stay on the device between them. Images in
memory are copied to the device once, and batches are gathered there by their rows. One CPU augments
within the steps, too; several devices, and GPUs, compute while threads augment.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.subsets.images import Images, InMemory
from pipeline.train.order import Augment, batches, row_batches

STEPS_A_CALL = 50
"""Steps in one call; after each call the bar moves and the loss is checked."""

Report = Callable[[int, float, float], None]
"""A function of the number of images done, and their mean loss and accuracy."""

AugmentEpoch = Callable[[Any, Any, Any, Any], tuple[Any, Any]]
"""A function of an epoch's number and what ``Augment`` takes."""

Store = tuple[Any, ...]
"""Pixels and labels of a subset on the device; empty where batches come with their own."""


class Means(NamedTuple):
    """Mean cross-entropy (nats) and accuracy (in [0, 1]) over images."""

    loss: float
    accuracy: float


class Loop:
    """A loop that trains and evaluates a network, whose variables were made under ``strategy``."""

    def __init__(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        strategy: tf.distribute.Strategy,
        *,
        scale_loss: bool = False,
        label_smoothing: float = 0.0,
        class_weights: NDArray[np.float64] | None = None,
        augment: AugmentEpoch | None = None,
        xla: bool = False,
    ) -> None:
        self.network = network
        self.trained = list(network.trainable_variables)
        """Variables that are trained in some epoch; some of their layers may be frozen later."""
        self.averages = optimizer.use_ema
        self.clips = bool(optimizer.global_clipnorm)
        self.label_smoothing = label_smoothing
        self.class_weights = class_weights
        self.augment = augment
        # On CPUs, threads that augment beside the steps would hold up those that compute.
        one = strategy.num_replicas_in_sync == 1
        self.augments_in_steps = one and not tf.config.list_logical_devices("GPU")
        vectors = [v for v in self.trained if len(v.shape) < 2]
        optimizer.exclude_from_weight_decay(var_list=vectors)  # biases and normalization
        self.optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if scale_loss else optimizer
        self.optimizer.build(self.trained)
        self.strategy = strategy
        self.stores: dict[int, tuple[Images, Store]] = {}
        self.xla = xla
        self.trace()

    def trace(self) -> None:
        """Have the steps traced anew, as after a change of the layers that are trained."""
        gradients = self._gradients
        self.gradients = tf.function(gradients, jit_compile=True) if self.xla else gradients
        self.train_steps = tf.function(self._train_steps, reduce_retracing=True)
        self.test_steps = tf.function(self._test_steps, reduce_retracing=True)

    @property
    def variables(self) -> list[keras.Variable]:
        """Return all that training changes: weights, dropout's seeds, the optimizer's state."""
        return [*self.network.variables, *self.optimizer.variables]

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the weights' moving average in their place, if the optimizer keeps one."""
        if not self.averages:
            yield
            return
        weights = [np.asarray(v).copy() for v in self.trained]
        self.optimizer.finalize_variable_values(self.trained)
        try:
            yield
        finally:
            for variable, values in zip(self.trained, weights, strict=True):
                variable.assign(values)

    def weights(self) -> list[NDArray[Any]]:
        """Return the network's variables as they are to be saved, averaged if they are."""
        with self.averaged():
            return [np.asarray(variable).copy() for variable in self.network.variables]

    def train(
        self,
        images: Images,
        order: NDArray[np.int64],
        batch: int,
        report: Report,
        epoch: int,
    ) -> Means:
        """Train on ``images`` in ``order``, ``batch`` at a time (all replicas together).

        The means are running ones: each batch is measured before its update, as Keras does. Images
        are augmented as in ``epoch``.
        """
        before = None if self.augments_in_steps else self._augment(epoch)
        store = () if before else self._store(images)
        data = row_batches(order, batch) if store else batches(images, order, batch, before)

        def steps(*args: Any) -> Any:
            return self.train_steps(*args, store, tf.constant(epoch, tf.int64))

        return self._run(steps, data, images.divisor, -(-len(order) // batch), report)

    def test(self, images: Images, batch: int) -> Means:
        """Evaluate on ``images``, all of them, in inference mode."""
        order = np.arange(len(images.labels))
        store = self._store(images)
        data = row_batches(order, batch) if store else batches(images, order, batch)

        def steps(*args: Any) -> Any:
            return self.test_steps(*args, store)

        return self._run(steps, data, images.divisor, -(-len(order) // batch), lambda *_: None)

    def _augment(self, epoch: Any) -> Augment | None:
        return self.augment and partial(self.augment, epoch)

    def _run(
        self,
        steps: Callable[..., Any],
        dataset: tf.data.Dataset,
        divisor: int,
        count: int,
        report: Report,
    ) -> Means:
        """Take ``count`` steps, some of them a call."""
        data = iter(self.strategy.experimental_distribute_dataset(dataset))
        scale = tf.constant(divisor, tf.float32)
        loss, hits, done = 0.0, 0, 0
        for first in range(0, count, STEPS_A_CALL):
            ends = tf.constant([first, min(first + STEPS_A_CALL, count)])
            sums = [float(total) for total in steps(data, ends, scale)]
            loss, hits, done = loss + sums[0], hits + int(sums[1]), done + int(sums[2])
            report(done, loss / done, hits / done)
        return Means(loss / done, hits / done)

    def _store(self, images: Images) -> Store:
        """Return a subset on the device; empty for several devices, or images on disk."""
        if not isinstance(images, InMemory) or self.strategy.num_replicas_in_sync > 1:
            return ()
        if id(images) not in self.stores:
            # A variable, since GPUs gather bytes from nothing else.
            pixels = tf.Variable(images.pixels, trainable=False)
            self.stores[id(images)] = images, (pixels, tf.constant(images.labels))
        return self.stores[id(images)][1]

    def _train_steps(
        self, data: Any, ends: tf.Tensor, divisor: tf.Tensor, store: Store, epoch: tf.Tensor
    ) -> Any:
        augment = self._augment(epoch) if self.augments_in_steps else None
        return self._repeat(self._train_step, data, ends, divisor, store, augment)

    def _test_steps(self, data: Any, ends: tf.Tensor, divisor: tf.Tensor, store: Store) -> Any:
        return self._repeat(self._test_step, data, ends, divisor, store)

    def _repeat(
        self,
        step: Any,
        data: Any,
        ends: tf.Tensor,
        divisor: tf.Tensor,
        store: Store,
        augment: Augment | None = None,
    ) -> Any:
        """Take these steps; return the sums of loss, hits and images over them."""
        sums = (tf.constant(0.0), tf.constant(0.0), tf.constant(0.0))
        for number in tf.range(ends[0], ends[1]):
            batch = next(data)
            if store:
                batch = tuple(tf.gather(column, batch) for column in store)
            if augment:
                batch = augment(tf.cast(number, tf.int64), *batch)
            parts = self.strategy.run(step, args=(*batch, divisor))
            totals = [self.strategy.reduce("SUM", part, axis=None) for part in parts]
            sums = tuple(total + part for total, part in zip(sums, totals, strict=True))
        return sums

    def _train_step(self, pixels: tf.Tensor, labels: tf.Tensor, divisor: tf.Tensor) -> Any:
        size = tf.cast(tf.shape(labels)[0], tf.float32)
        replica = tf.distribute.get_replica_context()
        variables = self.network.trainable_variables
        total = replica.all_reduce("SUM", size)
        gradients, losses, logits = self.gradients(pixels, labels, divisor, total)
        if self.clips:  # the norm is that of all replicas' gradients together
            gradients = [replica.all_reduce("MEAN", gradient) for gradient in gradients]
        self.optimizer.apply(gradients, variables)  # sums the replicas' gradients
        return tf.reduce_sum(losses), hits(labels, logits), size

    def _gradients(
        self, pixels: tf.Tensor, labels: tf.Tensor, divisor: tf.Tensor, total: tf.Tensor
    ) -> Any:
        """Return gradients, losses, logits of a replica's images, of ``total`` on all replicas."""
        with tf.GradientTape() as tape:
            logits = self.network(normalize(pixels, divisor), training=True)
            losses = cross_entropy(labels, logits, self.label_smoothing)
            if self.class_weights is not None:
                losses *= weights_of(labels, tf.constant(self.class_weights, tf.float32))
            scaled = self.optimizer.scale_loss(tf.reduce_sum(losses) / total)
        variables = [variable.value for variable in self.network.trainable_variables]
        return tape.gradient(scaled, variables), losses, logits

    def _test_step(self, pixels: tf.Tensor, labels: tf.Tensor, divisor: tf.Tensor) -> Any:
        logits = self.network(normalize(pixels, divisor), training=False)
        losses = cross_entropy(labels, logits)
        size = tf.cast(tf.shape(labels)[0], tf.float32)
        return tf.reduce_sum(losses), hits(labels, logits), size


def normalize(pixels: tf.Tensor, divisor: tf.Tensor) -> tf.Tensor:
    """Return integers as float32 in [0, 1].

    The divisor is a tensor: by a constant, Grappler would multiply by its reciprocal, which rounds
    otherwise than the shards.
    """
    return tf.cast(pixels, tf.float32) / divisor


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    """Return the softmax cross-entropy of each image, in nats: float32[n].

    Labels are integers, int32[n], or shares of the classes, float32[n, K]. ``smoothing`` takes that
    share off them and gives it to all classes alike (Szegedy et al., 2016).
    """
    if labels.dtype.is_integer and not smoothing:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    classes = logits.shape[-1]
    targets = tf.one_hot(labels, classes) if labels.dtype.is_integer else labels
    targets = (1 - smoothing) * targets + smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(targets, logits)


def weights_of(labels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Return the weight of each image: its class's, or the mean over its shares of classes."""
    if labels.dtype.is_integer:
        return tf.gather(weights, labels)
    return tf.linalg.matvec(labels, weights)


def hits(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return the number of images whose label has the greatest logit (the first of equal ones)."""
    if not labels.dtype.is_integer:
        labels = tf.argmax(labels, axis=1, output_type=tf.int32)
    predicted = tf.argmax(logits, axis=1, output_type=labels.dtype)
    return tf.reduce_sum(tf.cast(predicted == labels, tf.float32))
