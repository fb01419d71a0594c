"""TensorBoard: the training's graph, and the metrics of each epoch. Nothing reads them again."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf


class TensorBoard:
    """Writes events into ``folder``, which is emptied first; look with ``tensorboard --logdir``."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.writer = tf.summary.create_file_writer(str(folder))

    def write(self, epoch: int, row: Mapping[str, float | int | None], graph: tf.Graph) -> None:
        """Write an epoch's row of the history, and with the first one the graph."""
        with self.writer.as_default(step=epoch):
            if epoch == 1:
                tf.summary.graph(graph)
            for name, value in row.items():
                if value is not None and name != "epoch":
                    tf.summary.scalar(name, value)
        self.writer.flush()
