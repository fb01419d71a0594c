"""Trained models on disk: ``model.weights.h5``, and ``architecture.json`` with what they mean.

Keras's own ``.keras`` files differ from save to save; these do not. Neither can hold code.
"""

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core import files, paths, progress
from pipeline.core.errors import DataError
from pipeline.core.params import NAME
from pipeline.evaluate.predictions import Predictions
from pipeline.evaluate.views import Views
from pipeline.subsets.images import Images

if TYPE_CHECKING:
    import keras

WEIGHTS = "model.weights.h5"
ARCHITECTURE = "architecture.json"


class Model(NamedTuple):
    """A network from float32 images in [0, 1] to logits, and the names of its classes."""

    network: "keras.Model"
    classes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images."""
        height, width, channels = self.network.input_shape[1:]
        return height, width, channels

    def probabilities(
        self, images: NDArray[np.float32], views: Views | None = None
    ) -> NDArray[np.float32]:
        """Probability of each class for images, float32[n, h, w, c] in [0, 1]: float32[n, K].

        Means over the views, by default over the image as it is.
        """
        import tensorflow as tf

        seen = [
            tf.nn.softmax(self.network(tf.constant(view(images)), training=False)).numpy()
            for view in (views or Views()).all()
        ]
        found: NDArray[np.float32] = np.mean(seen, axis=0)
        return found

    def predict(self, images: Images, batch_size: int, views: Views | None = None) -> Predictions:
        """Predict all images of a subset, ``batch_size`` at a time.

        Probabilities are means over the views.
        """
        n = len(images.labels)
        found = np.empty((n, len(self.classes)), np.float32)
        done = 0
        with progress.bar("predict", n, "images") as bar:
            for pixels, _ in images.batches(np.arange(n), batch_size):
                normalized = np.divide(pixels, np.float32(images.divisor), dtype=np.float32)
                found[done : done + len(pixels)] = self.probabilities(normalized, views)
                done += len(pixels)
                bar.update(len(pixels))
        predicted = found.argmax(axis=1).astype(np.int32)
        return Predictions(images.ids, images.labels, predicted, found)


def save(model: Model, folder: Path) -> None:
    """Write a model into ``folder``, which is replaced as a whole."""
    import keras

    with files.new_folder(folder) as work:
        weights = _Weights()
        model.network.save_weights(weights)
        (work / WEIGHTS).write_bytes(weights.getbuffer())
        architecture = {
            "classes": list(model.classes),
            "shape": list(model.shape),
            "parameters": model.network.count_params(),
            "keras": keras.saving.serialize_keras_object(model.network),
        }
        files.write_json(work / ARCHITECTURE, architecture)


class _Weights(io.BytesIO):
    """A file in memory, which Keras takes for one by its name.

    HDF5 crashes the process where it cannot close its file because the disk is full.
    """

    def __str__(self) -> str:
        return WEIGHTS


def is_run(source: Path | str) -> bool:
    """Whether ``source`` is a run's name, and not a path, which has a slash or is a ``Path``."""
    return isinstance(source, str) and re.match(NAME, source) is not None


def load_model(source: Path | str) -> Model:
    """Read a trained model.

    Parameters
    ----------
    source : Path or str
        A run's name, for its model in ``data/models/``, or the folder of a model that ``save``
        wrote, such as ``./demo_png`` or ``Path("demo_png")``.

    Raises
    ------
    DataError
        If a file is missing or damaged.
    """
    import keras

    folder = paths.model(str(source)) if is_run(source) else Path(source)
    for path in (folder / ARCHITECTURE, folder / WEIGHTS):
        if not path.exists():
            remedy = "name a run, or the folder of a model"
            if is_run(source):
                remedy = (
                    f"make it (dvc repro train@{source}), or fetch it (dvc pull train@{source})"
                )
            raise DataError(f"{path} is missing; {remedy}")
    value = files.read_json(folder / ARCHITECTURE)
    try:
        network = keras.saving.deserialize_keras_object(value["keras"], safe_mode=True)
        network.load_weights(folder / WEIGHTS)
        return Model(network, tuple(value["classes"]))
    except (KeyError, TypeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{folder}: no model can be read there ({reason}); train again") from None
