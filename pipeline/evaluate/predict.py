"""Predictions of a model for a subset, averaged over views of each image."""

import numpy as np
from numpy.typing import NDArray

from pipeline.core import console, errors
from pipeline.evaluate.predictions import Predictions
from pipeline.evaluate.tta import Views
from pipeline.models.saved import Model
from pipeline.subsets.images import Images


def probabilities(model: Model, images: NDArray[np.float32], views: Views) -> NDArray[np.float32]:
    """Return the probability of each class, float32[n, K]: the mean over the views.

    Parameters
    ----------
    images : ndarray of float32
        In [0, 1], shape (n, height, width, channels).
    """
    of_views = [model.probabilities(view(images)) for view in views.all()]
    mean: NDArray[np.float32] = np.mean(of_views, axis=0)
    return mean


def predict(
    model: Model, images: Images, batch_size: int, views: Views | None = None
) -> Predictions:
    """Predict all images of a subset, ``batch_size`` at a time.

    A batch has fewer images where a network's outputs are large, as of photographs.

    Parameters
    ----------
    views : Views, optional
        Views of each image, over which its probabilities are averaged; else the image as it is.
    """
    n, size = len(images.labels), min(batch_size, model.most_images)
    shares = np.empty((n, len(model.classes)), np.float32)
    done = 0
    with errors.memory_of("evaluate.batch_size"), console.bar("predict", n, "images") as bar:
        for pixels, _ in images.batches(np.arange(n), size):
            normalized = np.divide(pixels, np.float32(images.divisor), dtype=np.float32)
            shares[done : done + len(pixels)] = probabilities(model, normalized, views or Views())
            done += len(pixels)
            bar.update(len(pixels))
    predicted = shares.argmax(axis=1).astype(np.int32)
    return Predictions(images.ids, images.labels, predicted, shares)
