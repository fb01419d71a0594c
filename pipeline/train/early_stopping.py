"""Early stopping: when a training has not become better, and which of its epochs was the best."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from pipeline.core.params import Section


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
