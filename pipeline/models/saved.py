"""Trained models on disk: ``model.weights.h5``, and ``architecture.json`` with layers and classes.

Keras's own ``.keras`` files differ from save to save; these do not. Neither file can hold code.
"""

import hashlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core import files, limits, paths
from pipeline.core.errors import DataError
from pipeline.core.params import NAME, Section
from pipeline.models import architecture, hdf5, weights, weights_file
from pipeline.models.architecture import Architecture
from pipeline.models.hdf5 import UnreadableError
from pipeline.models.weights import Weights
from pipeline.models.weights_file import ARCHITECTURE, SHA256, WEIGHTS

if TYPE_CHECKING:
    import keras


MOST_VALUES = 1 << 26
"""Of a layer's output, for the images that are shown to a model at once: 256 MiB."""
FREE_VALUES = 1 << 24
"""Weights that get memory even if the file lacks them, to say which they are."""
COPIES = 4
"""Of its weights, which loading a model may hold at once."""


class Model(NamedTuple):
    """A network from float32 images in [0, 1] to logits, and the names of its classes."""

    network: "keras.Model"
    classes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return height, width and channels of the images."""
        height, width, channels = self.network.input_shape[1:]
        return height, width, channels

    @property
    def most_images(self) -> int:
        """Return how many images can be shown to the network at once in little memory."""
        return max(1, MOST_VALUES // architecture.largest_output(self.network))

    def probabilities(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each class, float32[n, K] in [0, 1], rows summing to 1.

        Parameters
        ----------
        images : ndarray of float32
            In [0, 1], shape (n, height, width, channels).

        Raises
        ------
        DataError
            If it computes no finite numbers.
        """
        import tensorflow as tf

        logits = self.network(tf.constant(images), training=False)
        shares: NDArray[np.float32] = tf.nn.softmax(logits).numpy()
        if not np.isfinite(shares).all():
            raise DataError(
                "the model gives an image no finite numbers; it is damaged, train again"
            )
        return shares


def save(model: Model, folder: Path, **records: Section | None) -> None:
    """Write a model into ``folder``, which is replaced as a whole.

    ``records`` are written beside it as JSON, ``<name>.json``; None is not written.
    """
    import keras

    with files.new_folder(folder) as work:
        file = KerasFile()
        model.network.save_weights(file)
        files.write_bytes(work / WEIGHTS, file.getbuffer())
        about = {
            "classes": list(model.classes),
            "shape": list(model.shape),
            "parameters": model.network.count_params(),
            "keras": keras.saving.serialize_keras_object(model.network),
            SHA256: hashlib.sha256(file.getbuffer()).hexdigest(),
        }
        files.write_json(work / ARCHITECTURE, about)
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
    return isinstance(source, str) and re.fullmatch(NAME, source) is not None


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
        If a file is missing or damaged, the architecture names a class that is not permitted or
        other images or classes, or the weights are not those of the architecture or of its digest,
        have links or values that are not finite.
    """
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
    about = architecture.read(folder)
    extra = limits.EXTRA + COPIES * (folder / WEIGHTS).stat().st_size
    with limits.memory(folder, extra), weights.opened(folder) as stored:
        try:
            network = architecture.build(about.keras, stored.size + FREE_VALUES)
            _check(network, about)
        except UnreadableError as error:
            raise weights_file.unreadable(folder, str(error)) from None
        with hdf5.named_faults():
            _set_weights(network, stored)
    return Model(network, about.classes)


def _check(network: "keras.Model", about: Architecture) -> None:
    """Raise UnreadableError if a network is not from such images to logits of the classes."""
    wanted = (None, *about.shape), (None, len(about.classes))
    if (found := architecture.signature(network)) != wanted:
        raise UnreadableError(
            f"leads from {found[0]} to {found[1]}, not {wanted[0]} to {wanted[1]}"
        )
    if (dtype := network.outputs[0].dtype) != "float32":
        raise UnreadableError(f"has logits of {dtype}, not of float32")


def _set_weights(network: "keras.Model", stored: Weights) -> None:
    """Set all weights of a network to those of its file; raises UnreadableError."""
    file = KerasFile()
    network.save_weights(file)
    theirs = {layer.place: layer for layer in stored.layers}
    for layer in weights.of(hdf5.tree(file), file).layers:
        if layer.place not in theirs:
            raise UnreadableError(f"lacks the layer {layer.name}")
        if difference := layer.difference(theirs[layer.place]):
            raise UnreadableError(f"has another layer {layer.name}: {difference}")
        layer.fill(theirs[layer.place])
    network.load_weights(file)
