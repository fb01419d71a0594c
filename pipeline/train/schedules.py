"""Schedules of the learning rate: the parameters of each, and the rate that follows from them.

Lengths are in epochs, so that a change of the batch size leaves their meaning as it is. To add one,
write its class and enter that into ``Schedule``. Keras is imported only where a rate is built.
"""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from pipeline.core.params import Section

PositiveFloat = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
PositiveInt = Annotated[int, Field(gt=0)]


class _Part(NamedTuple):
    """The part of a training that comes after the warm-up."""

    start: float
    """The optimizer's learning rate."""
    steps: int
    steps_per_epoch: int


class _Schedule(Section):
    """A schedule."""

    def build(self, start: float, epochs: int, steps_per_epoch: int) -> Any:
        """Return the learning rate of a training: a float, or one of Keras's schedules.

        Parameters
        ----------
        start : float
            The optimizer's learning rate.
        """
        raise NotImplementedError

    def value(self, start: float, epochs: int, steps_per_epoch: int, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        rate = self.build(start, epochs, steps_per_epoch)
        return float(rate(step)) if callable(rate) else float(rate)

    def fault(self, epochs: int) -> str | None:  # noqa: ARG002
        """Return how the schedule is too long for a training of so many epochs, or None."""
        return None


class _Warmed(_Schedule):
    """A schedule that may begin with a warm-up."""

    warmup_epochs: NonNegative = 0.0
    """Epochs in which the learning rate rises linearly from 0; the schedule begins after them."""

    def build(self, start: float, epochs: int, steps_per_epoch: int) -> Any:
        """Return the learning rate of a training; see ``_Schedule``."""
        from pipeline.train.schedule_ops import WarmUp

        warmup = round(self.warmup_epochs * steps_per_epoch)
        rate = self._build(_Part(start, epochs * steps_per_epoch - warmup, steps_per_epoch))
        return WarmUp(rate, warmup) if warmup else rate

    def _build(self, part: _Part) -> Any:
        """Return the learning rate after the warm-up: a float, or one of Keras's schedules."""
        raise NotImplementedError

    def fault(self, epochs: int) -> str | None:
        """Return how the warm-up is too long for a training of so many epochs, or None."""
        if self.warmup_epochs >= epochs:
            return _too_long(f"warmup_epochs is {self.warmup_epochs}", epochs)
        return None


class Constant(_Warmed):
    """The optimizer's learning rate throughout."""

    name: Literal["constant"]

    def _build(self, part: _Part) -> Any:
        return part.start


class Exponential(_Warmed):
    """The learning rate times ``rate`` every ``epochs``, smoothly."""

    name: Literal["exponential"]
    rate: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Factor of the learning rate, each time ``epochs`` have passed."""
    epochs: PositiveFloat = 1.0
    """Epochs in which the learning rate is multiplied once."""

    def _build(self, part: _Part) -> Any:
        import keras

        return keras.optimizers.schedules.ExponentialDecay(
            part.start, self.epochs * part.steps_per_epoch, self.rate
        )


class Step(_Warmed):
    """The learning rate times ``factor`` after each of the epochs ``after``."""

    name: Literal["step"]
    after: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=1000)]
    """Numbers of epochs, ascending."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Factor of the learning rate after each."""

    @model_validator(mode="after")
    def _ascending(self) -> "Step":
        if list(self.after) != sorted(set(self.after)):
            raise ValueError("after must be ascending, without repetition")
        return self

    def _build(self, part: _Part) -> Any:
        import keras

        # Keras's boundary is the last step that has the earlier value.
        boundaries = [epoch * part.steps_per_epoch - 1 for epoch in self.after]
        values = [part.start * self.factor**n for n in range(len(self.after) + 1)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)

    def fault(self, epochs: int) -> str | None:
        """Return how the schedule is too long for a training of so many epochs, or None."""
        if self.warmup_epochs < epochs <= self.after[-1] + self.warmup_epochs:
            warm = f" after {self.warmup_epochs} of warm-up" if self.warmup_epochs else ""
            return _too_long(f"after has {self.after[-1]}{warm}", epochs)
        return super().fault(epochs)


class Cosine(_Warmed):
    """Half a cosine down to ``final`` times the learning rate (Loshchilov and Hutter, 2017)."""

    name: Literal["cosine"]
    final: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The last learning rate, as a share of the first."""

    def _build(self, part: _Part) -> Any:
        import keras

        return keras.optimizers.schedules.CosineDecay(part.start, part.steps, alpha=self.final)


class OneCycle(_Schedule):
    """Half a cosine up to the learning rate, and one down (Smith and Topin, 2018)."""

    name: Literal["one_cycle"]
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the training in which it rises."""
    start: Annotated[float, Field(ge=0, le=1)] = 0.04
    """The first learning rate, as a share of the highest."""
    final: Annotated[float, Field(ge=0, le=1)] = 0.0001
    """The last learning rate, as a share of the highest."""

    def build(self, start: float, epochs: int, steps_per_epoch: int) -> Any:
        """Return the learning rate of a training, whose highest is ``start``."""
        from pipeline.train import schedule_ops

        steps = epochs * steps_per_epoch
        return schedule_ops.OneCycle(start, steps, self.rise, self.start, self.final)


Schedule = Annotated[Constant | Exponential | Step | Cosine | OneCycle, Field(discriminator="name")]
"""``train.schedule``: the one that ``name`` names."""


def _too_long(what: str, epochs: int) -> str:
    return f"schedule.{what}, but there are only {epochs} epochs"
