"""Trained models on disk: ``model.weights.h5``, and ``architecture.json`` with layers and classes.

Keras's own ``.keras`` files differ from save to save; these do not. Neither file can hold code.
"""

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core import files, paths
from pipeline.core.errors import DataError
from pipeline.core.params import NAME, Section
from pipeline.models import hdf5, weights
from pipeline.models.hdf5 import UnreadableError
from pipeline.models.weights_file import ARCHITECTURE, WEIGHTS

if TYPE_CHECKING:
    import keras


class Model(NamedTuple):
    """A network from float32 images in [0, 1] to logits, and the names of its classes."""

    network: "keras.Model"
    classes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return height, width and channels of the images."""
        height, width, channels = self.network.input_shape[1:]
        return height, width, channels

    def probabilities(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each class, float32[n, K] in [0, 1], rows summing to 1.

        Parameters
        ----------
        images : ndarray of float32
            In [0, 1], shape (n, height, width, channels).
        """
        import tensorflow as tf

        logits = self.network(tf.constant(images), training=False)
        shares: NDArray[np.float32] = tf.nn.softmax(logits).numpy()
        return shares


def save(model: Model, folder: Path, **records: Section | None) -> None:
    """Write a model into ``folder``, which is replaced as a whole.

    ``records`` are written beside it as JSON, ``<name>.json``; None is not written.
    """
    import keras

    with files.new_folder(folder) as work:
        file = KerasFile()
        model.network.save_weights(file)
        (work / WEIGHTS).write_bytes(file.getbuffer())
        architecture = {
            "classes": list(model.classes),
            "shape": list(model.shape),
            "parameters": model.network.count_params(),
            "keras": keras.saving.serialize_keras_object(model.network),
        }
        files.write_json(work / ARCHITECTURE, architecture)
        for name, record in records.items():
            if record is not None:
                files.write_json(work / f"{name}.json", record.model_dump(mode="json"))


class KerasFile(io.BytesIO):
    """A file in memory, whose name makes Keras write HDF5, and read it.

    On disk, HDF5 would crash the process if the disk is full when it closes its file.
    """

    def __str__(self) -> str:
        return WEIGHTS


def is_run(source: Path | str) -> bool:
    """Tell if ``source`` is a run's name; a path has a slash, or is a ``Path``."""
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
        If a file is missing or damaged, or the weights are not those of the architecture, have
        links or values that are not finite.
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
        if not path.is_file():
            raise DataError(f"{path} is no plain file; name a run, or the folder of a model")
    value = files.read_json(folder / ARCHITECTURE)
    try:
        network = keras.saving.deserialize_keras_object(value["keras"], safe_mode=True)
        _set_weights(network, folder)
        return Model(network, tuple(value["classes"]))
    except (KeyError, TypeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{folder}: no model can be read there ({reason}); train again") from None


def _set_weights(network: "keras.Model", folder: Path) -> None:
    """Set all weights of a network to those in its folder; raises DataError."""
    file = KerasFile()
    network.save_weights(file)
    mine = weights.of(hdf5.tree(file), file).layers
    with weights.opened(folder) as stored:
        theirs = {layer.place: layer for layer in stored.layers}
        for layer in mine:
            if layer.place not in theirs:
                raise UnreadableError(f"lacks the layer {layer.name}")
            if difference := layer.difference(theirs[layer.place]):
                raise UnreadableError(f"has another layer {layer.name}: {difference}")
            layer.fill(theirs[layer.place])
    network.load_weights(file)
