"""Augmentation: training images changed at random, anew in each epoch.

Everything is drawn from stateless seeds of (the run's seed, epoch, step, operation), for a batch as
a whole before it is divided among devices, so that neither threads nor devices change a pixel.
"""

from typing import Annotated

from pydantic import Field

from pipeline.core.params import Section

Share = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=0)]
Alpha = Annotated[float, Field(ge=0)]


class Augmentation(Section):
    """``train.augmentation``; nothing is changed by default."""

    flip_horizontal: bool = False
    """Half of the images are mirrored left to right."""
    flip_vertical: bool = False
    """Half of the images are mirrored top to bottom."""
    shift: Pixels = 0
    """Images are moved by up to so many pixels in each direction, which leaves black behind."""
    crop: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Up to this share of height and width is cut off, and the rest resized (bilinear)."""
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
        """Whether an augmented image can have several labels."""
        return bool(self.mixup or self.cutmix)

    @property
    def changes_nothing(self) -> bool:
        """Whether images stay as they are."""
        return self == Augmentation(erasing_area=self.erasing_area)
