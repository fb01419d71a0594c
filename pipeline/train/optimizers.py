"""Optimizers: the parameters of each, and how Keras's object is built from them.

Each is a class that names Keras's own in ``keras_name`` and has, beside what all have, the
arguments of that as fields. To add one, write its class and enter that into ``Optimizer``. One that
Keras builds otherwise overrides ``build``. Keras is imported only then.
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pipeline.core.params import Section

if TYPE_CHECKING:
    import keras

PositiveFloat = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[
    PositiveFloat,
    Field(description="Length of a step, in the method's units; ``train.schedule`` changes it."),
]
Beta1 = Annotated[
    Share, Field(description="Share that the running mean of gradients keeps of itself at a step.")
]
Beta2 = Annotated[
    Share, Field(description="Share that the running mean of squares keeps of itself at a step.")
]
Momentum = Annotated[
    Share, Field(description="Share of the last step that is taken again; 0: none.")
]
Epsilon = Annotated[
    PositiveFloat, Field(description="Added to what is divided by, so that it is never 0.")
]


class _Optimizer(Section):
    """The parameters that all optimizers have."""

    keras_name: ClassVar[str]
    """Name of the class in ``keras.optimizers``."""

    learning_rate: Rate = 0.001
    weight_decay: NonNegative = 0.0
    """Decoupled: each step takes this share, times the learning rate, off the weights, but not off
    biases and normalization (Loshchilov and Hutter, 2019). Where it is added to the gradient
    instead, as in PyTorch's SGD, momentum m multiplies it by 1 / (1 - m): at 0.9, its 0.0005
    is 0.005 here."""
    clip_norm: PositiveFloat | None = None
    """Greatest norm of all gradients together; longer ones are shortened to it."""
    average: Share = 0.0
    """Momentum of the exponential moving average of the weights, which are measured and saved in
    place of the last ones; 0: none."""

    def build(self, rate: Any, replicas: int = 1) -> "keras.optimizers.Optimizer":
        """Return Keras's optimizer.

        Parameters
        ----------
        rate : float or keras.optimizers.schedules.LearningRateSchedule
            The learning rate, as a schedule's ``build`` gives it.
        replicas : int
            Number of devices. Each clips its share of the gradients to its share of ``clip_norm``.
        """
        import keras

        return getattr(keras.optimizers, self.keras_name)(
            learning_rate=rate,
            weight_decay=self.weight_decay or None,
            global_clipnorm=self.clip_norm and self.clip_norm / replicas,
            use_ema=self.average > 0,
            ema_momentum=self.average,
            **self.model_dump(exclude={"name", *_Optimizer.model_fields}),
        )


class Adam(_Optimizer):
    """Adam (Kingma and Ba, 2015), with the ``epsilon`` of TensorFlow 1, the tutorial's."""

    keras_name = "Adam"
    name: Literal["adam"]
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-8


class AdamW(_Optimizer):
    """Adam with weight decay (Loshchilov and Hutter, 2019)."""

    keras_name = "AdamW"
    name: Literal["adamw"]
    weight_decay: NonNegative = 0.004
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-8


class Nadam(_Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016)."""

    keras_name = "Nadam"
    name: Literal["nadam"]
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


class Adamax(_Optimizer):
    """Adam with the infinity norm (Kingma and Ba, 2015)."""

    keras_name = "Adamax"
    name: Literal["adamax"]
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


class Sgd(_Optimizer):
    """Stochastic gradient descent, with momentum where that is above 0."""

    keras_name = "SGD"
    name: Literal["sgd"]
    learning_rate: Rate = 0.01
    momentum: Momentum = 0.0
    nesterov: bool = False
    """Take the gradient where the momentum leads to (Nesterov, 1983)."""


class RmsProp(_Optimizer):
    """RMSprop (Tieleman and Hinton, 2012)."""

    keras_name = "RMSprop"
    name: Literal["rmsprop"]
    rho: Beta2 = 0.9
    momentum: Momentum = 0.0
    epsilon: Epsilon = 1e-7


class Adagrad(_Optimizer):
    """Adagrad (Duchi, Hazan, Singer, 2011)."""

    keras_name = "Adagrad"
    name: Literal["adagrad"]
    learning_rate: Rate = 0.01
    initial_accumulator_value: NonNegative = 0.1
    """Sum of squares at the start."""
    epsilon: Epsilon = 1e-7


class Adadelta(_Optimizer):
    """Adadelta (Zeiler, 2012)."""

    keras_name = "Adadelta"
    name: Literal["adadelta"]
    learning_rate: Rate = 1.0
    rho: Beta2 = 0.95
    epsilon: Epsilon = 1e-7


class Lion(_Optimizer):
    """Lion (Chen et al., 2023)."""

    keras_name = "Lion"
    name: Literal["lion"]
    learning_rate: Rate = 0.0001
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.99


class Lamb(_Optimizer):
    """LAMB, for large batches: Adam's step, as long as each layer's weights (You et al., 2020)."""

    keras_name = "Lamb"
    name: Literal["lamb"]
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


Optimizer = Annotated[
    Adam | AdamW | Nadam | Adamax | Sgd | RmsProp | Adagrad | Adadelta | Lion | Lamb,
    Field(discriminator="name"),
]
"""``train.optimizer``: the one that ``name`` names."""
