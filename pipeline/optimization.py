"""Optimizers and learning-rate schedules: their parameters, and Keras's objects built from them.

Lengths are in epochs, so that a change of the batch size leaves their meaning as it is.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline.params import Section

if TYPE_CHECKING:
    import keras

PositiveFloat = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
PositiveInt = Annotated[int, Field(gt=0)]


class Adam(Section):
    """Adam (Kingma and Ba, 2015), with the ``epsilon`` of TensorFlow 1, the tutorial's."""

    name: Literal["adam"]
    learning_rate: PositiveFloat = 0.001
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: PositiveFloat = 1e-8


class AdamW(Section):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    name: Literal["adamw"]
    learning_rate: PositiveFloat = 0.001
    weight_decay: NonNegative = 0.004
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: PositiveFloat = 1e-8


class Sgd(Section):
    """Stochastic gradient descent, with momentum where that is above 0."""

    name: Literal["sgd"]
    learning_rate: PositiveFloat = 0.01
    momentum: Share = 0.0
    nesterov: bool = False


class RmsProp(Section):
    """RMSprop (Tieleman and Hinton, 2012)."""

    name: Literal["rmsprop"]
    learning_rate: PositiveFloat = 0.001
    rho: Share = 0.9
    momentum: Share = 0.0
    epsilon: PositiveFloat = 1e-7


Optimizer = Annotated[Adam | AdamW | Sgd | RmsProp, Field(discriminator="name")]


class Constant(Section):
    """The optimizer's learning rate throughout."""

    name: Literal["constant"]


class Exponential(Section):
    """The learning rate times ``rate`` every ``epochs``, smoothly."""

    name: Literal["exponential"]
    rate: Annotated[float, Field(gt=0, le=1)] = 0.9
    epochs: PositiveFloat = 1.0


class Step(Section):
    """The learning rate times ``factor`` after each of the epochs ``after``."""

    name: Literal["step"]
    after: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _ascending(self) -> "Step":
        if list(self.after) != sorted(set(self.after)):
            raise ValueError("after must be ascending, without repetition")
        return self


class Cosine(Section):
    """A linear warm-up, then half a cosine down to ``final`` times the learning rate."""

    name: Literal["cosine"]
    final: Annotated[float, Field(ge=0, le=1)] = 0.0
    warmup_epochs: NonNegative = 0.0


Schedule = Annotated[Constant | Exponential | Step | Cosine, Field(discriminator="name")]


def faults(schedule: Schedule, epochs: int) -> str | None:
    """What makes a schedule longer than a training of so many epochs, or None."""
    if isinstance(schedule, Step) and schedule.after[-1] >= epochs:
        return f"schedule.after has {schedule.after[-1]}, but there are only {epochs} epochs"
    if isinstance(schedule, Cosine) and schedule.warmup_epochs >= epochs:
        return (
            f"schedule.warmup_epochs is {schedule.warmup_epochs}, but there are only {epochs} "
            "epochs"
        )
    return None


def build(
    optimizer: Optimizer, schedule: Schedule, epochs: int, steps_per_epoch: int
) -> "keras.optimizers.Optimizer":
    """Keras's optimizer with the schedule as its learning rate."""
    import keras

    values = optimizer.model_dump(exclude={"name", "learning_rate"})
    kind = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
    }[optimizer.name]
    rate = _learning_rate(schedule, optimizer.learning_rate, epochs, steps_per_epoch)
    return kind(learning_rate=rate, **values)


def learning_rate(
    optimizer: Optimizer, schedule: Schedule, epochs: int, steps_per_epoch: int, step: int
) -> float:
    """The learning rate of a step, counted from 0."""
    rate = _learning_rate(schedule, optimizer.learning_rate, epochs, steps_per_epoch)
    return float(rate(step)) if callable(rate) else float(rate)


def _learning_rate(schedule: Schedule, start: float, epochs: int, steps_per_epoch: int) -> Any:
    import keras

    schedules = keras.optimizers.schedules
    match schedule:
        case Constant():
            return start
        case Exponential():
            return schedules.ExponentialDecay(
                start, schedule.epochs * steps_per_epoch, schedule.rate
            )
        case Step():
            # The boundary itself still has the earlier value.
            last_steps = [epoch * steps_per_epoch - 1 for epoch in schedule.after]
            values = [start * schedule.factor**n for n in range(len(last_steps) + 1)]
            return schedules.PiecewiseConstantDecay(last_steps, values)
        case Cosine():
            warmup = round(schedule.warmup_epochs * steps_per_epoch)
            return schedules.CosineDecay(
                0.0 if warmup else start,
                epochs * steps_per_epoch - warmup,
                alpha=schedule.final,
                warmup_target=start if warmup else None,
                warmup_steps=warmup,
            )
