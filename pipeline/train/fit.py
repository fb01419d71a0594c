"""Training: a run's parameters, its epochs, and what is recorded of them."""

import csv
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipeline.core import files, progress
from pipeline.core.errors import ParameterError, TrainingError
from pipeline.core.params import Section
from pipeline.execution import checkpoints
from pipeline.execution.checkpoints import Checkpoint
from pipeline.models import params as networks
from pipeline.models import runtime
from pipeline.models.params import ModelParams, Precision
from pipeline.models.saved import Model
from pipeline.subsets.images import Dataset, Images, OnDisk
from pipeline.train import multi_worker, optimizers, order
from pipeline.train.augmentation import Augmentation
from pipeline.train.class_weights import ClassWeights, balanced
from pipeline.train.early_stopping import EarlyStopping

if TYPE_CHECKING:
    import tensorflow as tf

    from pipeline.train.augmentation_ops import Augmenter
    from pipeline.train.loop import Loop

TEST_BATCH = 1000
"""Images evaluated at once: changes no mean but by rounding, and so is fixed."""

History = list[dict[str, float | int | None]]
"""One row an epoch; None where there is no such subset."""


class TrainParams(Section):
    """``train``: how the network is trained."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Of initial weights, dropout and shuffling."""
    epochs: Annotated[int, Field(gt=0)] = 10
    batch_size: Annotated[int, Field(gt=0)] = 128
    """Images in a step, over all devices together."""
    drop_remainder: bool = True
    """Whether an incomplete last batch is left out of an epoch."""
    shuffle: bool = False
    """Whether each epoch has an order of its own; otherwise all have that of the shards."""
    shuffle_buffer: Annotated[int, Field(gt=0)] | None = None
    """Images that are shuffled together, after the shards' row groups were; all if there is none.
    Data that is read from disk in every epoch needs it, see ``subsets``."""
    optimizer: optimizers.Optimizer = optimizers.Adam(name="adam")
    schedule: optimizers.Schedule = optimizers.Constant(name="constant")
    """Of the learning rate."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of each label that is given to all classes alike; the training loss is of these."""
    class_weights: ClassWeights = "none"
    """How much an image counts by its class; the training loss is of the weighted images."""
    augmentation: Augmentation = Augmentation()
    early_stopping: EarlyStopping | None = None
    precision: Precision = "float32"
    """In which layers compute; weights and loss are float32 always."""
    xla: bool = False
    """Whether XLA compiles forward and backward pass, for GPUs."""
    threads: runtime.Threads = 2
    track_test: bool = False
    """Whether the test subset is measured after each epoch: drawn, and used for no decision."""

    @model_validator(mode="after")
    def _consistent(self) -> "TrainParams":
        if self.shuffle_buffer and not self.shuffle:
            raise ValueError("shuffle_buffer needs shuffle: true")
        fault = optimizers.faults(self.schedule, self.epochs)
        if fault:
            raise ValueError(fault)
        return self


def train(
    dataset: Dataset,
    model_params: ModelParams,
    params: TrainParams,
    *,
    logs: Path,
    checkpoint: Path,
) -> tuple[Model, History, Checkpoint]:
    """Train a network on a dataset's training subset.

    Parameters
    ----------
    logs : Path
        Folder for TensorBoard: the graph, and the metrics of each epoch.
    checkpoint : Path
        File that is written after each epoch. If it is there, from a training of the same data,
        parameters, code and libraries, the training goes on where that one was interrupted, and
        ends with the same weights as without the interruption.

    Returns
    -------
    Model
        With the weights after the last epoch, their average, or those of the best epoch.
    History
        Loss (mean cross-entropy in nats) and accuracy (in [0, 1]) for each epoch and subset, and
        the learning rate of the epoch's last step.
    Checkpoint
        To be removed once these are written.

    Raises
    ------
    ParameterError
        If there are fewer training images than a batch, none to decide on early stopping, or the
        network does not fit the images.
    TrainingError
        If the loss is no longer finite.
    ClusterError
        If the machines of ``TF_CONFIG`` differ in code, versions, parameters or data.
    """
    runtime.configure(params.seed, params.threads)
    from pipeline.models.cnn import portable
    from pipeline.train.augmentation_ops import Augmenter
    from pipeline.train.tensorboard import TensorBoard

    names = ["train", "validation"] + ["test"] * params.track_test
    subsets = dict(zip(names, dataset.images(*names), strict=True))
    steps = order.steps(len(subsets["train"].labels), params)
    if isinstance(subsets["train"], OnDisk) and params.shuffle and not params.shuffle_buffer:
        raise ParameterError(
            "train.shuffle is of all images, which do not fit into the memory; set "
            "train.shuffle_buffer to a number of images, or raise PIPELINE_MEMORY"
        )
    if params.early_stopping and not len(subsets["validation"].labels):
        raise ParameterError("train.early_stopping needs a validation subset; see split")
    strategy = multi_worker.strategy()
    order.check_division(len(subsets["train"].labels), params, strategy.num_replicas_in_sync)
    multi_worker.agree(
        strategy,
        parameters=model_params.model_dump_json() + params.model_dump_json(),
        data=dataset.identity,
    )
    loop = _loop(dataset, model_params, params, steps, strategy)
    augmenter = Augmenter(params.augmentation, len(dataset.index.classes), params.seed)
    key = _key(dataset, subsets["train"], model_params, params, loop)
    saved = Checkpoint(checkpoint, key)
    history, best = _resume(loop, saved, params.epochs)
    board = TensorBoard(logs)
    board.write_graph(loop.network)
    for row in history:
        board.write_epoch(row)
    stopping = params.early_stopping
    while len(history) < params.epochs and not (stopping and stopping.is_over(history)):
        history.append(_epoch(loop, subsets, params, augmenter, steps, len(history) + 1))
        board.write_epoch(history[-1])
        if not stopping or stopping.best(history) == len(history) - 1:
            best = loop.weights()
        saved.write([*_arrays(loop.variables), *best], history)
    _assign(loop.network.variables, best)
    return Model(portable(loop.network), dataset.index.classes), history, saved


def write_history(path: Path, history: History) -> None:
    """Write a history as CSV."""
    with files.new_file(path) as work, work.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, list(history[0]), lineterminator="\n")
        rows.writeheader()
        rows.writerows(history)


def _loop(
    dataset: Dataset,
    model_params: ModelParams,
    params: TrainParams,
    steps: int,
    strategy: "tf.distribute.Strategy",
) -> "Loop":
    """The network, its optimizer, and the loop around them, on the devices of ``strategy``."""
    from pipeline.train.loop import Loop

    index = dataset.index
    with strategy.scope():
        return Loop(
            networks.build(
                model_params,
                index.shape,
                len(index.classes),
                dataset.statistics("train"),
                seed=params.seed,
                precision=params.precision,
            ),
            optimizers.build(
                params.optimizer,
                params.schedule,
                params.epochs,
                steps,
                strategy.num_replicas_in_sync,
            ),
            strategy,
            scale_loss=params.precision == "float16",
            label_smoothing=params.label_smoothing,
            class_weights=_class_weights(dataset) if params.class_weights == "balanced" else None,
            xla=params.xla,
        )


def _class_weights(dataset: Dataset) -> NDArray[np.float64]:
    """The weight of each class, from the labels of the training subset."""
    classes = dataset.index.classes
    counts = np.bincount(dataset.labels()[dataset.split.rows("train")], minlength=len(classes))
    try:
        return balanced(counts)
    except ZeroDivisionError:
        raise ParameterError(
            f"train.class_weights: the class {classes[int(np.argmin(counts))]!r} has no training "
            "image to weight; take it out of decode.classes, or set class_weights: none"
        ) from None


def _key(
    dataset: Dataset,
    images: Images,
    model_params: ModelParams,
    params: TrainParams,
    loop: "Loop",
) -> str:
    return checkpoints.key(
        checkpoints.program(),
        model_params.model_dump_json(),
        params.model_dump_json(),
        dataset.identity,
        images.blocks.tobytes(),
        str(loop.strategy.num_replicas_in_sync),
    )


def _resume(loop: "Loop", saved: Checkpoint, epochs: int) -> tuple[History, list[NDArray[Any]]]:
    """Put the loop into the checkpoint's state, if any; return history and best weights so far."""
    found = multi_worker.share(loop.strategy, saved.read())
    if found is None:
        return [], []
    arrays, history = found
    _assign(loop.variables, arrays[: len(loop.variables)])
    progress.say(f"going on after epoch {len(history)}/{epochs}, from {saved.path}")
    return list(history), arrays[len(loop.variables) :]


def _arrays(variables: Sequence[Any]) -> list[NDArray[Any]]:
    return [np.asarray(variable) for variable in variables]


def _assign(variables: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _epoch(
    loop: "Loop",
    subsets: Mapping[str, Images],
    params: TrainParams,
    augmenter: "Augmenter",
    steps: int,
    epoch: int,
) -> dict[str, float | int | None]:
    images = subsets["train"]
    rows = order.order(images, params, epoch, steps)
    started = time.perf_counter()
    with progress.bar(f"epoch {epoch}/{params.epochs}", len(rows), "images") as bar:

        def report(done: int, loss: float, accuracy: float) -> None:
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss is {loss} within the first {done:,} images of epoch {epoch}; lower "
                    "train.optimizer.learning_rate, or train in a wider train.precision"
                )
            bar.set_postfix_str(f"loss {loss:.4f}, accuracy {accuracy:.4f}", refresh=False)
            bar.update(done - bar.n)

        means = {"train": loop.train(images, rows, params.batch_size, report, augmenter.of(epoch))}
    seconds = time.perf_counter() - started
    with loop.averaged():
        for name in subsets:
            if name != "train" and len(subsets[name].labels):
                means[name] = loop.test(subsets[name], TEST_BATCH)
    shown = ", ".join(f"{n} {m.accuracy:.4f} (loss {m.loss:.4f})" for n, m in means.items())
    speed = len(rows) / seconds
    progress.say(f"epoch {epoch}/{params.epochs}: {shown}; {seconds:.1f} s, {speed:,.0f} images/s")
    found: dict[str, float | int | None] = {"epoch": epoch}
    for name in ("train", "validation"):
        found |= _columns(name, means)
    found["learning_rate"] = optimizers.learning_rate(
        params.optimizer, params.schedule, params.epochs, steps, epoch * steps - 1
    )
    return found | (_columns("test", means) if params.track_test else {})


def _columns(name: str, means: Mapping[str, Any]) -> dict[str, float | None]:
    mean = means.get(name)
    return {
        f"{name}_loss": mean.loss if mean else None,
        f"{name}_accuracy": mean.accuracy if mean else None,
    }
