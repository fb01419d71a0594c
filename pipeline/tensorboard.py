"""TensorBoard: the network's graph, and the metrics of each epoch. Nothing reads them again."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import keras
import tensorflow as tf


class TensorBoard:
    """Writes events into ``folder``, which is emptied first; look with ``tensorboard --logdir``."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.writer = tf.summary.create_file_writer(str(folder))

    def write_graph(self, network: keras.Model) -> None:
        """Write the network's graph, from images to logits."""
        images = tf.TensorSpec(network.input_shape, tf.float32, name="image")
        traced = tf.function(network).get_concrete_function(images, training=False)
        with self.writer.as_default(step=0):
            tf.summary.graph(traced.graph)

    def write_epoch(self, row: Mapping[str, float | int | None]) -> None:
        """Write a row of the history."""
        with self.writer.as_default(step=row["epoch"]):
            for name, value in row.items():
                if value is not None and name != "epoch":
                    tf.summary.scalar(name, value)
        self.writer.flush()
