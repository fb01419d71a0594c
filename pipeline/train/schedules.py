"""Learning-rate schedules in steps: Keras's own where it has them, and two that it lacks."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

LearningRateSchedule: Any = keras.optimizers.schedules.LearningRateSchedule


def exponential(start: float, rate: float, steps: float) -> Any:
    """``start`` times ``rate`` every ``steps``, smoothly."""
    return keras.optimizers.schedules.ExponentialDecay(start, steps, rate)


def step(start: float, factor: float, after: Sequence[int]) -> Any:
    """``start`` times ``factor`` after each of the numbers of steps ``after``."""
    last_steps = [number - 1 for number in after]  # the boundary itself has the earlier value
    values = [start * factor**n for n in range(len(after) + 1)]
    return keras.optimizers.schedules.PiecewiseConstantDecay(last_steps, values)


def cosine(start: float, final: float, steps: int) -> Any:
    """Half a cosine from ``start`` to ``final`` times ``start``."""
    return keras.optimizers.schedules.CosineDecay(start, steps, alpha=final)


class WarmUp(LearningRateSchedule):  # type: ignore[misc]
    """A line from 0 to what another schedule, or a constant, begins with; then that."""

    def __init__(self, rate: Any, steps: int) -> None:
        self.rate = rate
        self.steps = steps

    def __call__(self, step: Any) -> tf.Tensor:
        """The learning rate of a step, counted from 0."""
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
        """The learning rate of a step, counted from 0."""
        step = tf.cast(step, tf.float32)
        rising = 1.0 + (self.start - 1.0) * _fall(step / self.up)
        falling = self.final + (1.0 - self.final) * _fall((step - self.up) / self.down)
        return self.highest * tf.where(step < self.up, rising, falling)


def _fall(done: tf.Tensor) -> tf.Tensor:
    """Half a cosine from 1 to 0 while ``done`` goes from 0 to 1."""
    return (1.0 + tf.cos(math.pi * tf.clip_by_value(done, 0.0, 1.0))) / 2.0
