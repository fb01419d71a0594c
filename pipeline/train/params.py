"""Parameters of ``train``: how a run's network is trained."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from pipeline.core.params import Section
from pipeline.models import runtime
from pipeline.models.params import Precision
from pipeline.train import optimizers
from pipeline.train.augmentation import Augmentation
from pipeline.train.class_weights import ClassWeights

if TYPE_CHECKING:
    pass


class EarlyStopping(Section):
    """``train.early_stopping``: stop, and take the weights of the best epoch."""

    monitor: Literal["validation_loss", "validation_accuracy"] = "validation_loss"
    """What tells how good an epoch is: the least loss, or the greatest accuracy."""
    patience: Annotated[int, Field(gt=0)] = 5
    """Stop after so many epochs in a row that were not better than the best."""

    def best(self, history: Sequence[Mapping[str, float | int | None]]) -> int:
        """The position of the best epoch, the first of equal ones."""
        sign = 1 if self.monitor == "validation_loss" else -1
        values = [sign * (row[self.monitor] or 0.0) for row in history]
        return values.index(min(values))

    def is_over(self, history: Sequence[Mapping[str, float | int | None]]) -> bool:
        """Whether to stop after these epochs."""
        return bool(history) and len(history) - 1 - self.best(history) >= self.patience


class TrainParams(Section):
    """``train``: how the network is trained."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Of initial weights, dropout and shuffling."""
    epochs: Annotated[int, Field(gt=0)] = 10
    batch_size: Annotated[int, Field(gt=0)] = 128
    """Images in a step, over all devices together."""
    drop_remainder: bool = True
    """Whether an incomplete last batch is left out of an epoch."""
    shuffle: bool = False
    """Whether each epoch has an order of its own; otherwise all have that of the shards."""
    shuffle_buffer: Annotated[int, Field(gt=0)] | None = None
    """Images that are shuffled together, after the shards' row groups were; all if there is none.
    Data that is read from disk in every epoch needs it, see ``subsets``."""
    optimizer: optimizers.Optimizer = optimizers.Adam(name="adam")
    schedule: optimizers.Schedule = optimizers.Constant(name="constant")
    """Of the learning rate."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of each label that is given to all classes alike; the training loss is of these."""
    class_weights: ClassWeights = "none"
    """How much an image counts by its class; the training loss is of the weighted images."""
    augmentation: Augmentation = Augmentation()
    early_stopping: EarlyStopping | None = None
    precision: Precision = "float32"
    """In which layers compute; weights and loss are float32 always."""
    xla: bool = False
    """Whether XLA compiles forward and backward pass, for GPUs."""
    threads: runtime.Threads = 2
    track_test: bool = False
    """Whether the test subset is measured after each epoch: drawn, and used for no decision."""

    @model_validator(mode="after")
    def _consistent(self) -> "TrainParams":
        if self.shuffle_buffer and not self.shuffle:
            raise ValueError("shuffle_buffer needs shuffle: true")
        fault = optimizers.faults(self.schedule, self.epochs)
        if fault:
            raise ValueError(fault)
        return self
