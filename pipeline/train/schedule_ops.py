"""Learning-rate schedules that Keras lacks, in steps. They need TensorFlow."""

import math
from typing import Any

import keras
import tensorflow as tf

LearningRateSchedule: Any = keras.optimizers.schedules.LearningRateSchedule


class WarmUp(LearningRateSchedule):  # type: ignore[misc]
    """A line from 0 to the first value of ``rate``, a schedule or a constant; then ``rate``."""

    def __init__(self, rate: Any, steps: int) -> None:
        self.rate = rate
        self.steps = steps

    def __call__(self, step: Any) -> tf.Tensor:
        """Return the learning rate of a step, counted from 0: a float32 scalar."""
        step = tf.cast(step, tf.float32)
        after = tf.maximum(step - self.steps, 0.0)
        rate = self.rate(after) if callable(self.rate) else self.rate
        return tf.minimum(step / self.steps, 1.0) * rate


class OneCycle(LearningRateSchedule):  # type: ignore[misc]
    """Half a cosine up to ``highest``, then one down; ``start`` and ``final`` are shares of it."""

    def __init__(self, highest: float, steps: int, rise: float, start: float, final: float) -> None:
        self.highest = highest
        self.up = max(1.0, rise * steps)
        self.down = max(1.0, steps - self.up)
        self.start = start
        self.final = final

    def __call__(self, step: Any) -> tf.Tensor:
        """Return the learning rate of a step, counted from 0: a float32 scalar."""
        step = tf.cast(step, tf.float32)
        rising = 1.0 + (self.start - 1.0) * _fall(step / self.up)
        falling = self.final + (1.0 - self.final) * _fall((step - self.up) / self.down)
        return self.highest * tf.where(step < self.up, rising, falling)


def _fall(done: tf.Tensor) -> tf.Tensor:
    """Return half a cosine, from 1 to 0 while ``done`` goes from 0 to 1."""
    return (1.0 + tf.cos(math.pi * tf.clip_by_value(done, 0.0, 1.0))) / 2.0
