"""The images that a run is trained on: the training subset, a part of it, or validation too."""

from dataclasses import replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from pipeline.core.params import Section
from pipeline.subsets.images import Dataset
from pipeline.subsets.split import SUBSETS

PerClass = Annotated[int, Field(gt=0, lt=2**31)]
NONE = -1
"""In place of a subset's position: an image that is in no subset."""


class TrainedOn(Section):
    """The part of ``train`` that says which images are trained on; it passes over the rest."""

    model_config = ConfigDict(extra="ignore")

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    images_per_class: PerClass | None = None
    with_validation: bool = False

    def of(self, dataset: Dataset) -> Dataset:
        """Return a dataset whose training subset is these images.

        With ``images_per_class``, the others are in no subset. They are drawn by the seed and the
        class. Those of a smaller number are among those of a larger one. A class that has fewer
        keeps all.
        """
        if self.with_validation:
            dataset = _moved(dataset, dataset.split.rows("validation"), SUBSETS.index("train"))
        if self.images_per_class is not None:
            dataset = _moved(dataset, self._spare(dataset, self.images_per_class), NONE)
        return dataset

    def _spare(self, dataset: Dataset, most: int) -> NDArray[np.int64]:
        """Return the rows of training images above so many of each class."""
        rows = dataset.split.rows("train")
        labels = dataset.labels()[rows]
        return np.concatenate(
            [
                np.random.RandomState([self.seed, label]).permutation(rows[labels == label])[most:]
                for label in range(len(dataset.index.classes))
            ]
        )


def _moved(dataset: Dataset, rows: NDArray[np.int64], subset: int) -> Dataset:
    """Return the dataset with the images at these rows in another subset."""
    subsets = dataset.split.subsets.copy()
    subsets[rows] = subset
    return replace(dataset, split=dataset.split._replace(subsets=subsets))
