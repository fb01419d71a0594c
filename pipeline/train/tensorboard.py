"""TensorBoard: the network's graph, and the metrics of each epoch. Nothing reads them again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from pipeline.core import places
from pipeline.core.errors import TrainingError

EVENTS = "events.out.tfevents.*"
"""Files of TensorFlow's writers."""


class TensorBoard:
    """A writer of events into ``folder``, in place of earlier ones, for ``tensorboard``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with self._writing():
            places.make_folder(folder)
            for path in folder.glob(EVENTS):
                places.remove(path)
            self.writer = tf.summary.create_file_writer(str(folder))

    def write_graph(self, network: keras.Model) -> None:
        """Write the network's graph, from images to logits."""
        images = tf.TensorSpec(network.input_shape, tf.float32, name="image")
        traced = tf.function(network).get_concrete_function(images, training=False)
        with self._writing(), self.writer.as_default(step=0):
            tf.summary.graph(traced.graph)

    def write_epoch(self, row: Mapping[str, float | int | None]) -> None:
        """Write a row of the history."""
        with self._writing(), self.writer.as_default(step=row["epoch"]):
            for name, value in row.items():
                if value is not None and name != "epoch":
                    tf.summary.scalar(name, value)
            self.writer.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Raise TrainingError, which names the folder, in place of TensorFlow's own errors."""
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            reason = str(getattr(error, "message", error)).splitlines()[0].rpartition("; ")[2]
            raise TrainingError(
                f"{self.folder}: TensorBoard's events cannot be written ({reason}); free some "
                "space or make it writable, and run this again"
            ) from None
