"""TensorBoard: the network's graph, and the metrics of each epoch. Nothing reads them again.

A subset's metrics lie in a folder of its name, as Keras's callback writes them: TensorBoard lays
curves of one name over each other, each folder in a colour.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from pipeline.core import places
from pipeline.core.errors import TrainingError
from pipeline.subsets.split import SUBSETS

EVENTS = "events.out.tfevents.*"
"""Files of TensorFlow's writers."""


class TensorBoard:
    """A writer of events into ``folder``, in place of earlier ones, for ``tensorboard``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.subsets: dict[str, Any] = {}
        """The writers of subsets, each made when there is something to write."""
        with self._writing():
            places.make_folder(folder)
            for path in (*folder.glob(EVENTS), *folder.glob(f"*/{EVENTS}")):
                if path.parent == folder or path.parent.name in SUBSETS:
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
        with self._writing():
            for column, value in row.items():
                if value is not None and column != "epoch":
                    subset, _, name = column.partition("_")
                    writer = self._writer(subset) if subset in SUBSETS else self.writer
                    with writer.as_default(step=row["epoch"]):
                        tf.summary.scalar(name if subset in SUBSETS else column, value)
            for writer in (self.writer, *self.subsets.values()):
                writer.flush()

    def _writer(self, subset: str) -> Any:
        """Return the writer of a subset's metrics."""
        if subset not in self.subsets:
            places.make_folder(self.folder / subset)
            self.subsets[subset] = tf.summary.create_file_writer(str(self.folder / subset))
        return self.subsets[subset]

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
