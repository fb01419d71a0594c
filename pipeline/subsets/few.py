"""A few labelled images of each class: a part of the training subset, as for a learning curve."""

from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from pipeline.core.params import Section
from pipeline.subsets.images import Dataset

PerClass = Annotated[int, Field(gt=0, lt=2**31)]
NONE = -1
"""In place of a subset's position: an image that is in no subset."""


class Few(Section):
    """The part of ``train`` that says which training images are used; it passes over the rest."""

    model_config = ConfigDict(extra="ignore")

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    images_per_class: PerClass | None = None

    def of(self, dataset: Dataset) -> Dataset:
        """Return a dataset with no more training images of each class; the others have no subset.

        They are drawn by the seed and the class. Those of a smaller number are among those of a
        larger one. A class that has fewer keeps all.
        """
        if self.images_per_class is None:
            return dataset
        subsets = dataset.split.subsets.copy()
        rows = dataset.split.rows("train")
        labels = dataset.labels()[rows]
        for label in range(len(dataset.index.classes)):
            random = np.random.RandomState([self.seed, label])
            subsets[random.permutation(rows[labels == label])[self.images_per_class :]] = NONE
        return replace(dataset, split=dataset.split._replace(subsets=subsets))
