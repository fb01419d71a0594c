"""Training: the epochs of a run, their history, and the checkpoint between them.

TensorFlow and Keras, and the modules that need them, are imported once the runtime is configured.
"""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import runs
from pipeline.core import console, errors, paths
from pipeline.core.errors import ParameterError, TrainingError
from pipeline.core.params import Params
from pipeline.execution import fingerprint
from pipeline.execution.checkpoints import Checkpoint
from pipeline.models import families, runtime
from pipeline.models.families import Network
from pipeline.models.history import History, Row
from pipeline.models.saved import Model
from pipeline.models.start import Start, Transferred, digest
from pipeline.models.transfer import taken_layers, transfer
from pipeline.subsets.images import Dataset, Images, OnDisk
from pipeline.subsets.trained_on import TrainedOn
from pipeline.train import multi_worker, order
from pipeline.train.params import TrainParams, start_fault

if TYPE_CHECKING:
    import tensorflow as tf

    from pipeline.train.fine_tuning import Phases
    from pipeline.train.loop import Loop, Means

TEST_BATCH = 1000
"""Images evaluated at once; it changes means by rounding alone, and so is no parameter. Where a
network's outputs are large, as many as take little memory, and ``train.batch_size`` at most."""


class Trained(NamedTuple):
    """A trained model, with what was recorded while it was trained."""

    model: Model
    """With the weights after the last epoch, their average, or those of the best epoch."""
    history: History
    """Loss (mean cross-entropy in nats) and accuracy (in [0, 1]) for each epoch and subset, and the
    learning rate of the epoch's last step."""
    checkpoint: Checkpoint
    """To be removed once the others are written."""
    start: Start | None
    """What was taken from weights; None if all were fresh."""


def train_run(run: str, *, logs: Path, checkpoint: Path) -> Trained:
    """Train the network of a run in ``params.yaml``; see ``train``."""
    params = Params.read(paths.params(run))
    train_params = runs.section(params, run, "train", TrainParams)
    runtime.configure(train_params.seed, train_params.threads)  # before a family imports Keras
    family = families.family(runs.network(params, run))
    network = Network(
        family, runs.section(params, run, "model", family.params), runs.weights(params, run)
    )
    dataset = Dataset.read(runs.dataset(params, run))
    with errors.memory_of("train.batch_size"):
        return train(dataset, network, train_params, logs=logs, checkpoint=checkpoint)


def train(
    dataset: Dataset,
    network: Network,
    params: TrainParams,
    *,
    logs: Path,
    checkpoint: Path,
) -> Trained:
    """Train a network on a dataset's training subset, or what ``params`` says of it.

    Parameters
    ----------
    logs : Path
        Folder for TensorBoard: the graph, and the metrics of each epoch.
    checkpoint : Path
        File that is written after each epoch. If it is there, from a training of the same data,
        parameters, code and libraries, the training goes on where that one was interrupted, and
        ends with the same weights as without the interruption.

    Raises
    ------
    ParameterError
        If there are fewer training images than a batch, none to decide on early stopping, the
        network does not fit the images, or there are no weights to fine-tune.
    DataError
        If the weights to start from cannot be read, or none of them fits.
    TrainingError
        If the loss is no longer finite.
    ClusterError
        If the machines of ``TF_CONFIG`` differ in code, versions, parameters or data.
    """
    runtime.configure(params.seed, params.threads)
    from pipeline.train.fused import portable
    from pipeline.train.tensorboard import TensorBoard

    if params.with_validation and not len(dataset.split.rows("validation")):
        raise ParameterError("train.with_validation needs a validation subset; see split")
    dataset = TrainedOn.model_validate(params.model_dump()).of(dataset)
    names = ["train", "validation"] + ["test"] * params.track_test
    subsets = dict(zip(names, dataset.images(*names), strict=True))
    steps = order.steps(len(subsets["train"].labels), params)
    if isinstance(subsets["train"], OnDisk) and params.shuffle and not params.shuffle_buffer:
        raise ParameterError(
            "train.shuffle is of all images, which do not fit into the memory; set "
            "train.shuffle_buffer to a number of images, or raise PIPELINE_MEMORY"
        )
    if fault := start_fault(params, network.weights):
        raise ParameterError(fault)
    if params.early_stopping and not len(subsets["validation"].labels):
        raise ParameterError("train.early_stopping needs a validation subset; see split")
    strategy = multi_worker.strategy()
    order.check_division(len(subsets["train"].labels), params, strategy.num_replicas_in_sync)
    multi_worker.agree(
        strategy,
        parameters=_described(network) + params.model_dump_json(),
        data=dataset.identity,
    )
    loop, phases, transferred = _loop(dataset, network, params, steps, strategy)
    start = None
    if transferred:
        described = tuple(phases.described(params.epochs))
        start = Start(transferred=transferred, phases=described)
    key = _key(dataset, subsets["train"], network, params, loop)
    saved = Checkpoint(checkpoint, key)
    if start:
        console.info(start.describe())
    history, best = _resume(loop, saved, params.epochs)
    board = TensorBoard(logs)
    board.write_graph(loop.network)
    for row in history:
        board.write_epoch(row)
    stopping = params.early_stopping
    while len(history) < params.epochs and not (stopping and stopping.is_over(history)):
        if phases.begin(len(history) + 1):
            loop.trace()
        history.append(_epoch(loop, subsets, params, steps, len(history) + 1))
        board.write_epoch(history[-1])
        if not stopping or stopping.best(history) == len(history) - 1:
            best = loop.weights()
        saved.write([*_arrays(loop.variables), *best], history)
    _assign(loop.network.variables, best)
    return Trained(Model(portable(loop.network), dataset.index.classes), history, saved, start)


def _loop(
    dataset: Dataset,
    network: Network,
    params: TrainParams,
    steps: int,
    strategy: "tf.distribute.Strategy",
) -> tuple["Loop", "Phases", Transferred | None]:
    """Return the loop around a new network and its optimizer, on the devices of ``strategy``.

    Also return the phases in which the network is trained, and what it took from weights.
    """
    from pipeline.train.augmentation.augmenter import Augmenter
    from pipeline.train.fine_tuning import Phases
    from pipeline.train.fused import fused
    from pipeline.train.loop import Loop

    index, optimizer = dataset.index, params.optimizer
    augmenter = Augmenter(params.augmentation, len(index.classes), params.seed)
    with strategy.scope():
        built = families.build(
            network.family,
            network.params,
            index.shape,
            len(index.classes),
            dataset.statistics("train"),
            seed=params.seed,
            precision=params.precision,
        )
        weights = network.weights
        transferred = transfer(built, weights, index.classes) if weights else None
        net = fused(built)
        taken = taken_layers(net, transferred) if transferred else []
        phases = Phases(net, taken, params.fine_tuning)
        loop = Loop(
            net,
            optimizer.build(
                params.schedule.build(optimizer.learning_rate, params.epochs, steps),
                strategy.num_replicas_in_sync,
            ),
            strategy,
            scale_loss=params.precision == "float16",
            label_smoothing=params.label_smoothing,
            class_weights=dataset.class_weights() if params.class_weights == "balanced" else None,
            augment=None if params.augmentation.changes_nothing else augmenter,
            xla=params.xla,
        )
        phases.slow_down(loop.optimizer)
        return loop, phases, transferred


def _key(
    dataset: Dataset,
    images: Images,
    network: Network,
    params: TrainParams,
    loop: "Loop",
) -> str:
    """Return the checkpoint's key: one hash over everything that the weights depend on."""
    return fingerprint.key(
        fingerprint.program(),
        _described(network),
        params.model_dump_json(),
        dataset.identity,
        images.group_starts.tobytes(),
        str(loop.strategy.num_replicas_in_sync),
    )


def _described(network: Network) -> str:
    """Return a network's family, its parameters and the content of its weights as text."""
    weights = digest(network.weights) if network.weights else ""
    return f"{network.family.name} {network.params.model_dump_json()} {weights}"


def _resume(loop: "Loop", saved: Checkpoint, epochs: int) -> tuple[History, list[NDArray[Any]]]:
    """Put the loop into the checkpoint's state, if any; return history and best weights so far."""
    state = multi_worker.share(loop.strategy, saved.read())
    if state is None:
        return [], []
    arrays, history = state
    _assign(loop.variables, arrays[: len(loop.variables)])
    console.info(f"going on after epoch {len(history)}/{epochs}, from {saved.path}")
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
    steps: int,
    epoch: int,
) -> Row:
    """Train for an epoch, measure the other subsets; return the epoch's row of the history."""
    images = subsets["train"]
    rows = order.order(images, params, epoch, steps)
    started = time.perf_counter()
    with console.bar(f"epoch {epoch}/{params.epochs}", len(rows), "images") as bar:

        def report(done: int, loss: float, accuracy: float) -> None:
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss is {loss} within the first {done:,} images of epoch {epoch}; lower "
                    "train.optimizer.learning_rate, or train in a wider train.precision"
                )
            bar.set_postfix_str(f"loss {loss:.4f}, accuracy {accuracy:.4f}", refresh=False)
            bar.update(done - bar.n)

        means = {"train": loop.train(images, rows, params.batch_size, report, epoch)}
    seconds = time.perf_counter() - started
    most = Model(loop.network, ()).most_images
    size = TEST_BATCH if most >= TEST_BATCH else min(most, params.batch_size)
    with loop.averaged():
        for name in subsets:
            if name != "train" and len(subsets[name].labels):
                means[name] = loop.test(subsets[name], size)
    shown = ", ".join(f"{n} {m.accuracy:.4f} (loss {m.loss:.4f})" for n, m in means.items())
    speed = len(rows) / seconds
    console.info(f"epoch {epoch}/{params.epochs}: {shown}; {seconds:.1f} s, {speed:,.0f} images/s")
    rate = params.schedule.value(
        params.optimizer.learning_rate, params.epochs, steps, epoch * steps - 1
    )
    row: Row = {"epoch": epoch}
    row |= _columns("train", means) | _columns("validation", means) | {"learning_rate": rate}
    return row | (_columns("test", means) if params.track_test else {})


def _columns(name: str, means: "Mapping[str, Means]") -> Row:
    """Return a subset's part of a row; None stands for what was not measured."""
    mean = means.get(name)
    return {
        f"{name}_loss": mean.loss if mean else None,
        f"{name}_accuracy": mean.accuracy if mean else None,
    }
