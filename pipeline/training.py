"""Training: a run's parameters, its epochs, and what is recorded of them."""

import csv
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipeline import checkpoints, files, network, optimization, progress, runtime
from pipeline.checkpoints import Checkpoint
from pipeline.errors import ParameterError, TrainingError
from pipeline.model import Model
from pipeline.network import ModelParams, Precision
from pipeline.params import Section
from pipeline.subsets import Dataset, Images

if TYPE_CHECKING:
    from pipeline.loop import Loop

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
    optimizer: optimization.Optimizer = optimization.Adam(name="adam")
    schedule: optimization.Schedule = optimization.Constant(name="constant")
    """Of the learning rate."""
    precision: Precision = "float32"
    """In which layers compute; weights and loss are float32 always."""
    threads: runtime.Threads = 2
    track_test: bool = False
    """Whether the test subset is measured after each epoch: drawn, and used for no decision."""

    @model_validator(mode="after")
    def _schedule_fits(self) -> "TrainParams":
        fault = optimization.faults(self.schedule, self.epochs)
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
        With the weights after the last epoch.
    History
        Loss (mean cross-entropy in nats) and accuracy (in [0, 1]) for each epoch and subset, and
        the learning rate of the epoch's last step.
    Checkpoint
        To be removed once these are written.

    Raises
    ------
    ParameterError
        If there are fewer training images than a batch, or the network does not fit the images.
    TrainingError
        If the loss is no longer finite.
    """
    runtime.configure(params.seed, params.threads)
    from pipeline.loop import Loop
    from pipeline.tensorboard import TensorBoard

    names = ["train", "validation"] + ["test"] * params.track_test
    subsets = dict(zip(names, dataset.images(*names), strict=True))
    steps = _steps(len(subsets["train"].labels), params)
    index = dataset.index
    strategy = runtime.strategy()
    with strategy.scope():
        net = network.build(
            model_params,
            index.shape,
            len(index.classes),
            seed=params.seed,
            precision=params.precision,
        )
        optimizer = optimization.build(params.optimizer, params.schedule, params.epochs, steps)
        loop = Loop(net, optimizer, strategy, scale_loss=params.precision == "float16")
    key = checkpoints.key(
        checkpoints.program(),
        model_params.model_dump_json(),
        params.model_dump_json(),
        dataset.identity,
        str(strategy.num_replicas_in_sync),
    )
    saved = Checkpoint(checkpoint, key)
    history = _resume(loop, saved, params.epochs)
    board = TensorBoard(logs)
    board.write_graph(net)
    for row in history:
        board.write_epoch(row)
    for epoch in range(len(history) + 1, params.epochs + 1):
        history.append(_epoch(loop, subsets, params, epoch, steps))
        board.write_epoch(history[-1])
        saved.write([np.asarray(variable) for variable in loop.variables], history)
    return Model(net, index.classes), history, saved


def write_history(path: Path, history: History) -> None:
    """Write a history as CSV."""
    with files.new_file(path) as work, work.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, list(history[0]), lineterminator="\n")
        rows.writeheader()
        rows.writerows(history)


def order(n: int, params: TrainParams, epoch: int, steps: int) -> NDArray[np.int64]:
    """The training images of an epoch, in order; depends on (seed, epoch) alone."""
    if params.shuffle:
        rows = np.random.default_rng([params.seed, epoch]).permutation(n)
    else:
        rows = np.arange(n)
    return rows[: steps * params.batch_size]


def _resume(loop: "Loop", saved: Checkpoint, epochs: int) -> History:
    """Put the loop into the checkpoint's state, if there is one; return the history so far."""
    found = saved.read()
    if found is None:
        return []
    arrays, history = found
    for variable, array in zip(loop.variables, arrays, strict=True):
        variable.assign(array)
    progress.say(f"going on after epoch {len(history)}/{epochs}, from {saved.path}")
    return list(history)


def _steps(n: int, params: TrainParams) -> int:
    if not params.drop_remainder:
        return math.ceil(n / params.batch_size)
    if n < params.batch_size:
        raise ParameterError(
            f"train.batch_size is {params.batch_size:,}, but there are only {n:,} training images; "
            "choose a smaller one, or drop_remainder: false"
        )
    return n // params.batch_size


def _epoch(
    loop: "Loop", subsets: Mapping[str, Images], params: TrainParams, epoch: int, steps: int
) -> dict[str, float | int | None]:
    images = subsets["train"]
    rows = order(len(images.labels), params, epoch, steps)
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

        means = {"train": loop.train(images, rows, params.batch_size, report)}
    seconds = time.perf_counter() - started
    for name in subsets:
        if name != "train" and len(subsets[name].labels):
            means[name] = loop.test(subsets[name], TEST_BATCH)
    shown = ", ".join(f"{n} {m.accuracy:.4f} (loss {m.loss:.4f})" for n, m in means.items())
    speed = len(rows) / seconds
    progress.say(f"epoch {epoch}/{params.epochs}: {shown}; {seconds:.1f} s, {speed:,.0f} images/s")
    found: dict[str, float | int | None] = {"epoch": epoch}
    for name in ("train", "validation"):
        found |= _columns(name, means)
    found["learning_rate"] = optimization.learning_rate(
        params.optimizer, params.schedule, params.epochs, steps, epoch * steps - 1
    )
    return found | (_columns("test", means) if params.track_test else {})


def _columns(name: str, means: Mapping[str, Any]) -> dict[str, float | None]:
    mean = means.get(name)
    return {
        f"{name}_loss": mean.loss if mean else None,
        f"{name}_accuracy": mean.accuracy if mean else None,
    }
