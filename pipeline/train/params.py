"""Parameters of ``train``: how a run's network is trained. They need neither TensorFlow nor Keras.

The optimizers' parameters stand in ``optimizers``, those of the learning rate in ``schedules``.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.core.params import Section, Text
from pipeline.models.history import EarlyStopping, Epochs
from pipeline.models.params import Batch, Precision
from pipeline.models.runtime import Threads
from pipeline.subsets.trained_on import PerClass
from pipeline.train.optimizers import Adam, Optimizer
from pipeline.train.schedules import Constant, Schedule

Share = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=0, le=256)]
Alpha = Annotated[float, Field(ge=0, le=1000)]

ClassWeights = Literal["none", "balanced"]
"""``balanced``: an image of a class of m images, of n in all of K classes, counts n / (K * m)."""


class Augmentation(Section):
    """``train.augmentation``: random changes of training images; by default there are none."""

    flip_horizontal: bool = False
    """Mirror half of the images left to right."""
    flip_vertical: bool = False
    """Mirror half of the images top to bottom."""
    shift: Pixels = 0
    """Move images by up to so many pixels in each direction, which leaves black behind."""
    crop: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Cut off up to this share of height and width, and resize the rest (bilinear)."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Turn images by up to so many degrees either way; beyond its edges an image is mirrored."""
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Enlarge or shrink images by up to this share of their size; edges as for ``rotation``."""
    brightness: Share = 0.0
    """Make images lighter or darker by up to this share of the range of their values."""
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Strengthen or weaken each image's differences from its own mean by up to this share."""
    trivial: bool = False
    """Change each image in one of eleven ways, of a strength drawn for it (TrivialAugment: Müller
    and Hutter, 2021), without changes of colour. It needs no tuning."""
    erasing: Share = 0.0
    """Share of the images in which a rectangle is filled with noise (Zhong et al., 2020)."""
    erasing_area: Annotated[float, Field(gt=0, lt=1)] = 0.33
    """Greatest area of that rectangle, as a share of the image; the least is 0.02."""
    mixup: Alpha = 0.0
    """Alpha of the Beta distribution by which two images and their labels are mixed (Zhang et al.,
    2018); 0: none."""
    cutmix: Alpha = 0.0
    """Alpha of the Beta distribution of the area in which another image is pasted (Yun et al.,
    2019); 0: none. With ``mixup`` too, each batch takes one of the two."""

    @property
    def mixes_labels(self) -> bool:
        """Tell if an augmented image can have several labels."""
        return bool(self.mixup or self.cutmix)

    @property
    def changes_nothing(self) -> bool:
        """Tell if images stay as they are."""
        return self == Augmentation(erasing_area=self.erasing_area)


class FineTuning(Section):
    """``train.fine_tuning``: how layers with weights that were taken (``weights``) are trained.

    The last layer, which gives the logits, is trained as if it were new.
    """

    frozen_epochs: Annotated[int, Field(ge=0)] = 0
    """Epochs, the first ones, in which taken layers keep their weights."""
    from_layer: Text | None = None
    """Name of the first taken layer that is trained afterwards; those before it never are. All are
    if there is none."""
    learning_rate_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor of the learning rate for taken layers."""
    frozen_statistics: bool = False
    """Keep the means and variances of taken batch normalization, and normalize by them while
    training too."""


class TrainParams(Section):
    """``train``: how the network is trained."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Of initial weights, dropout, shuffling and augmentation."""
    images_per_class: PerClass | None = None
    """Training images of each class that are used, drawn by ``seed``; all if there is none. What a
    few images are worth is seen so; the others are in no subset then."""
    with_validation: bool = False
    """Train on the validation images too, which then measure nothing. This is for a last training,
    once all has been chosen by them."""
    epochs: Epochs = 10
    """Passes over the training images."""
    batch_size: Batch = 128
    """Images in a step, over all devices together."""
    drop_remainder: bool = True
    """Leave an incomplete last batch out of an epoch."""
    shuffle: bool = False
    """Draw a new order for each epoch; otherwise all epochs have that of the shards."""
    shuffle_buffer: Annotated[int, Field(gt=0, lt=2**31)] | None = None
    """Images that are shuffled together, after the shards' row groups were; all if there is none.
    Data that is read from disk in every epoch needs it, see ``subsets``."""
    optimizer: Optimizer = Adam(name="adam")
    schedule: Schedule = Constant(name="constant")
    """Of the learning rate."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of each label that is given to all classes alike; the training loss is of these."""
    class_weights: ClassWeights = "none"
    """Weight of an image by its class; the training loss is of the weighted images."""
    augmentation: Augmentation = Augmentation()
    early_stopping: EarlyStopping | None = None
    fine_tuning: FineTuning | None = None
    precision: Precision = "float32"
    """Type in which layers compute; weights and loss are float32 always."""
    xla: bool = False
    """Compile forward and backward pass by XLA, for GPUs."""
    threads: Threads = 2
    track_test: bool = False
    """Measure the test subset after each epoch. It is drawn, and decides nothing."""

    @model_validator(mode="after")
    def _consistent(self) -> "TrainParams":
        if self.shuffle_buffer and not self.shuffle:
            raise ValueError("shuffle_buffer needs shuffle: true")
        if self.with_validation and self.early_stopping:
            raise ValueError(
                "with_validation leaves no image to decide on early stopping: set early_stopping: "
                "null, and epochs to as many as it chose"
            )
        if self.fine_tuning and self.fine_tuning.frozen_epochs > self.epochs:
            raise ValueError("fine_tuning.frozen_epochs must be at most epochs")
        fault = self.schedule.fault(self.epochs)
        if fault:
            raise ValueError(fault)
        return self


def start_fault(params: TrainParams, weights: Path | None) -> str:
    """Return why a run cannot start from these weights, or from none; empty if it can."""
    if params.fine_tuning and weights is None:
        return (
            "train.fine_tuning is for layers with trained weights, and the run starts from fresh "
            "ones; name them in weights, or set train.fine_tuning: null"
        )
    return ""
