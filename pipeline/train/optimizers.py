"""Optimizers and learning-rate schedules: their parameters, and Keras's objects built from them.

Lengths are in epochs, so that a change of the batch size leaves their meaning as it is.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline.core.params import Section

if TYPE_CHECKING:
    import keras

PositiveFloat = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
PositiveInt = Annotated[int, Field(gt=0)]


class _Optimizer(Section):
    """What all optimizers have."""

    learning_rate: PositiveFloat = 0.001
    weight_decay: NonNegative = 0.0
    """Decoupled: each step takes this share, times the learning rate, off the weights, but not off
    biases and normalization (Loshchilov and Hutter, 2019)."""
    clip_norm: PositiveFloat | None = None
    """Greatest norm of all gradients together; longer ones are shortened to it."""
    average: Share = 0.0
    """Momentum of the exponential moving average of the weights, which are measured and saved in
    place of the last ones; 0: none."""


class Adam(_Optimizer):
    """Adam (Kingma and Ba, 2015), with the ``epsilon`` of TensorFlow 1, the tutorial's."""

    name: Literal["adam"]
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: PositiveFloat = 1e-8


class AdamW(_Optimizer):
    """Adam with weight decay (Loshchilov and Hutter, 2019)."""

    name: Literal["adamw"]
    weight_decay: NonNegative = 0.004
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: PositiveFloat = 1e-8


class Nadam(_Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016)."""

    name: Literal["nadam"]
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: PositiveFloat = 1e-7


class Adamax(_Optimizer):
    """Adam with the infinity norm (Kingma and Ba, 2015)."""

    name: Literal["adamax"]
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: PositiveFloat = 1e-7


class Sgd(_Optimizer):
    """Stochastic gradient descent, with momentum where that is above 0."""

    name: Literal["sgd"]
    learning_rate: PositiveFloat = 0.01
    momentum: Share = 0.0
    nesterov: bool = False


class RmsProp(_Optimizer):
    """RMSprop (Tieleman and Hinton, 2012)."""

    name: Literal["rmsprop"]
    rho: Share = 0.9
    momentum: Share = 0.0
    epsilon: PositiveFloat = 1e-7


class Adagrad(_Optimizer):
    """Adagrad (Duchi, Hazan, Singer, 2011)."""

    name: Literal["adagrad"]
    learning_rate: PositiveFloat = 0.01
    initial_accumulator_value: NonNegative = 0.1
    epsilon: PositiveFloat = 1e-7


class Adadelta(_Optimizer):
    """Adadelta (Zeiler, 2012)."""

    name: Literal["adadelta"]
    learning_rate: PositiveFloat = 1.0
    rho: Share = 0.95
    epsilon: PositiveFloat = 1e-7


class Lion(_Optimizer):
    """Lion (Chen et al., 2023)."""

    name: Literal["lion"]
    learning_rate: PositiveFloat = 0.0001
    beta_1: Share = 0.9
    beta_2: Share = 0.99


Optimizer = Annotated[
    Adam | AdamW | Nadam | Adamax | Sgd | RmsProp | Adagrad | Adadelta | Lion,
    Field(discriminator="name"),
]


class _Schedule(Section):
    """What schedules have that may begin with a warm-up."""

    warmup_epochs: NonNegative = 0.0
    """Epochs in which the learning rate rises linearly from 0; the schedule begins after them."""


class Constant(_Schedule):
    """The optimizer's learning rate throughout."""

    name: Literal["constant"]


class Exponential(_Schedule):
    """The learning rate times ``rate`` every ``epochs``, smoothly."""

    name: Literal["exponential"]
    rate: Annotated[float, Field(gt=0, le=1)] = 0.9
    epochs: PositiveFloat = 1.0


class Step(_Schedule):
    """The learning rate times ``factor`` after each of the epochs ``after``."""

    name: Literal["step"]
    after: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _ascending(self) -> "Step":
        if list(self.after) != sorted(set(self.after)):
            raise ValueError("after must be ascending, without repetition")
        return self


class Cosine(_Schedule):
    """Half a cosine down to ``final`` times the learning rate (Loshchilov and Hutter, 2017)."""

    name: Literal["cosine"]
    final: Annotated[float, Field(ge=0, le=1)] = 0.0


class OneCycle(Section):
    """Half a cosine up to the learning rate, and one down (Smith and Topin, 2018)."""

    name: Literal["one_cycle"]
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the training in which it rises."""
    start: Annotated[float, Field(ge=0, le=1)] = 0.04
    """The first learning rate, as a share of the highest."""
    final: Annotated[float, Field(ge=0, le=1)] = 0.0001
    """The last learning rate, as a share of the highest."""


Schedule = Annotated[Constant | Exponential | Step | Cosine | OneCycle, Field(discriminator="name")]


def faults(schedule: Schedule, epochs: int) -> str | None:
    """What makes a schedule longer than a training of so many epochs, or None."""
    only = f"but there are only {epochs} epochs"
    if isinstance(schedule, OneCycle):
        return None
    if schedule.warmup_epochs >= epochs:
        return f"schedule.warmup_epochs is {schedule.warmup_epochs}, {only}"
    if isinstance(schedule, Step) and schedule.after[-1] + schedule.warmup_epochs >= epochs:
        warm = f" after {schedule.warmup_epochs} of warm-up" if schedule.warmup_epochs else ""
        return f"schedule.after has {schedule.after[-1]}{warm}, {only}"
    return None


def build(
    optimizer: Optimizer,
    schedule: Schedule,
    epochs: int,
    steps_per_epoch: int,
    replicas: int = 1,
) -> "keras.optimizers.Optimizer":
    """Keras's optimizer with the schedule as its learning rate.

    Each of the replicas clips its share of the gradients to its share of ``clip_norm``.
    """
    import keras

    kinds = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "nadam": keras.optimizers.Nadam,
        "adamax": keras.optimizers.Adamax,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
        "adagrad": keras.optimizers.Adagrad,
        "adadelta": keras.optimizers.Adadelta,
        "lion": keras.optimizers.Lion,
    }
    own = optimizer.model_dump(exclude={"name", *_Optimizer.model_fields})
    return kinds[optimizer.name](
        learning_rate=_learning_rate(schedule, optimizer.learning_rate, epochs, steps_per_epoch),
        weight_decay=optimizer.weight_decay or None,
        global_clipnorm=optimizer.clip_norm and optimizer.clip_norm / replicas,
        use_ema=optimizer.average > 0,
        ema_momentum=optimizer.average,
        **own,
    )


def learning_rate(
    optimizer: Optimizer, schedule: Schedule, epochs: int, steps_per_epoch: int, step: int
) -> float:
    """The learning rate of a step, counted from 0."""
    rate = _learning_rate(schedule, optimizer.learning_rate, epochs, steps_per_epoch)
    return float(rate(step)) if callable(rate) else float(rate)


def _learning_rate(schedule: Schedule, start: float, epochs: int, steps_per_epoch: int) -> Any:
    """A constant, or one of Keras's schedules."""
    from pipeline.train import schedules

    steps = epochs * steps_per_epoch
    if isinstance(schedule, OneCycle):
        return schedules.OneCycle(start, steps, schedule.rise, schedule.start, schedule.final)
    warmup = round(schedule.warmup_epochs * steps_per_epoch)
    rate: Any = start
    match schedule:
        case Exponential():
            rate = schedules.exponential(start, schedule.rate, schedule.epochs * steps_per_epoch)
        case Step():
            rate = schedules.step(
                start, schedule.factor, [epoch * steps_per_epoch for epoch in schedule.after]
            )
        case Cosine():
            rate = schedules.cosine(start, schedule.final, steps - warmup)
    return schedules.WarmUp(rate, warmup) if warmup else rate
