"""Fine-tuning: layers whose weights were taken keep them at first, and are trained slowly later.

The last layer is trained from the first epoch on, wherever its weights are from.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import keras

from pipeline.core.errors import ParameterError, first_few
from pipeline.models.start import Phase
from pipeline.train.fused import FusedBatchNormalization
from pipeline.train.params import FineTuning


class Phases:
    """The phases of a training: the layers that keep their weights in its epochs.

    Raises
    ------
    ParameterError
        If there is no layer to begin with, or none is trained.
    """

    def __init__(
        self, network: keras.Model, taken: Sequence[keras.layers.Layer], params: FineTuning | None
    ) -> None:
        self.network = network
        self.params = params or FineTuning()
        self.taken = [layer for layer in taken if layer is not network.layers[-1]]
        self.kept = self.taken[: self._first()]
        """Taken layers that keep their weights throughout."""
        if self.params.frozen_statistics:
            for layer in self.taken:
                if isinstance(layer, FusedBatchNormalization):
                    layer.frozen_statistics = True
                elif isinstance(layer, keras.layers.BatchNormalization):
                    self.kept.append(layer)  # Keras's own keeps them with all of its weights

    def begin(self, epoch: int) -> bool:
        """Set which layers are trained in an epoch, from 1; return True if that is a change."""
        frozen = self.taken if epoch <= self.params.frozen_epochs else self.kept
        before = [layer.trainable for layer in self.taken]
        for layer in self.taken:
            layer.trainable = not any(layer is one for one in frozen)
        return before != [layer.trainable for layer in self.taken]

    def described(self, epochs: int) -> Iterator[Phase]:
        """Yield the phases of a training of so many epochs, with their trained weights."""
        first = 1
        for last in (min(self.params.frozen_epochs, epochs), epochs):
            if first <= last:
                self.begin(first)
                counts = [variable.shape.num_elements() for variable in _values(self.network)]
                yield Phase(first=first, last=last, weights=sum(counts))
                first = last + 1
        self.begin(1)

    def slow_down(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Multiply the learning rate of the taken layers by their factor.

        The optimizer's own updates are kept, of weights and of what decays them.
        """
        factor = self.params.learning_rate_factor
        slow = {id(variable.value) for layer in self.taken for variable in layer.variables}
        if factor == 1 or not slow:
            return
        indices = {
            optimizer._get_variable_index(variable)
            for variable in self.network.trainable_variables
            if id(variable.value) in slow
        }
        update, decay = optimizer.update_step, optimizer._apply_weight_decay

        def is_slow(variable: Any) -> bool:
            return optimizer._get_variable_index(variable) in indices

        def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
            update(gradient, variable, learning_rate * (factor if is_slow(variable) else 1.0))

        def apply_weight_decay(variables: Sequence[Any]) -> None:
            whole = optimizer.weight_decay
            if whole is None:
                return
            decay([variable for variable in variables if not is_slow(variable)])
            optimizer.weight_decay = whole * factor
            decay([variable for variable in variables if is_slow(variable)])
            optimizer.weight_decay = whole

        optimizer.update_step = update_step
        optimizer._apply_weight_decay = apply_weight_decay

    def _first(self) -> int:
        """Return the position, among the taken layers, of the first that is ever trained."""
        names = [layer.name for layer in self.taken]
        first = self.params.from_layer
        if first is None:
            return 0
        if first not in names:
            raise ParameterError(
                f"train.fine_tuning.from_layer: no layer {first!r} was taken; taken were "
                f"{first_few(names, 20)}"
            )
        return names.index(first)


def _values(network: keras.Model) -> list[Any]:
    return [variable.value for variable in network.trainable_variables]
