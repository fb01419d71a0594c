"""Parts of the check, the most telling first: each returns its findings."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.gpu.children import Children
from benchmarks.gpu.training import Result, Training
from benchmarks.measuring import BenchmarkError, Finding
from pipeline.core import paths

TUTORIAL = 0.9013
"""Test accuracy of the tutorial's ten epochs."""
TOLERANCE = 0.015
"""Of test accuracy, between types of machines: docs/reproducibility.md."""
AGREEMENT = 0.01
"""Largest difference of a probability on two devices; TensorFloat-32 has ten bits of mantissa."""
LARGE = 1024
"""Images a batch, where steps should not wait for launches."""
LITTLE = 1
"""Bytes of ``PIPELINE_MEMORY``, in which no data set fits."""


class Runs:
    """Runs of ``params.yaml`` that the parts train: the tutorial's, a strong one, a fast one."""

    def __init__(self, *, small: bool) -> None:
        demo = "demo_idx"
        self.tutorial, self.best, self.fast = (
            (demo, demo, demo)
            if small
            else ("fashion_mnist", "fashion_mnist_best", "fashion_mnist_fast")
        )
        there = paths.shards(demo).exists()
        self.little = demo if there else self.tutorial
        """The smallest whose shards are there."""


def ceilings(children: Children, _: Runs) -> list[Finding]:
    """Where a product of matrices is computed, and what the device reaches at most."""
    sizes = () if children.gpu else ("512", "1000000")
    found = children.device("ceilings", *sizes)
    on_gpu = "GPU" in found["placement"]
    return [
        Finding("operations that are not on the GPU", (float(not on_gpu),), "of 1", 0),
        *(
            Finding(f"product of matrices, {dtype}", (found[dtype],), "TFLOP/s")
            for dtype in ("float32", "bfloat16")
        ),
        Finding("copy within the device's memory", (found["copy"],), "GB/s"),
    ]


def tutorial(children: Children, runs: Runs) -> list[Finding]:
    """The tutorial's ten epochs: their time, and the accuracy against the CPU's."""
    found = _trained(children, Training(runs.tutorial, {"track_test": True}))
    path = paths.metrics(runs.tutorial) / "evaluation.json"
    recorded = json.loads(path.read_text())["accuracy"]
    accuracy = found.history[-1]["test_accuracy"]
    return [
        Finding(f"{runs.tutorial}: ten epochs, tracing included", (found.seconds,), "s", 10),
        *_speed(runs.tutorial, found),
        Finding(f"{runs.tutorial}: test accuracy", (accuracy,), "accuracy"),
        Finding(
            f"{runs.tutorial}: its distance from the CPU's, {recorded}",
            (abs(accuracy - recorded),),
            "accuracy",
            TOLERANCE,
        ),
    ]


def repeated(children: Children, runs: Runs) -> list[Finding]:
    """Two epochs of the same run in two processes: the same weights to the byte."""
    lines = []
    for name in dict.fromkeys((runs.tutorial, runs.best)):
        training = Training(name, {"epochs": 2})
        first, second = (_trained(children, training) for _ in range(2))
        differ = float(first.digest != second.digest)
        lines.append(Finding(f"{name}, twice: weights that differ", (differ,), "of 1", 0))
    return lines


def best(children: Children, runs: Runs) -> list[Finding]:
    """The strong run, whole, and the share of an epoch of it in which the device works."""
    found = _trained(children, Training(runs.best, {"track_test": True}))
    traced = _trained(children, Training(runs.best, {"epochs": 2}, traced_epoch=2))
    accuracy = found.history[-1]["test_accuracy"]
    epochs = len(found.epochs)
    return [
        Finding(f"{runs.best}: {epochs} epochs, tracing included", (found.seconds,), "s", 60),
        *_speed(runs.best, found),
        Finding(f"{runs.best}: test accuracy, of one view", (accuracy,), "accuracy"),
        Finding(f"{runs.best}: share of an epoch in which the GPU is idle", *_idle(traced)),
    ]


def until_accurate(children: Children, runs: Runs) -> list[Finding]:
    """The time from the start of a process until the tutorial's accuracy was seen."""
    what = f"{runs.fast}: from nothing to test accuracy {TUTORIAL}"
    found = _trained(children, Training(runs.fast, {"track_test": True}))
    for row, end in zip(found.history, found.ends, strict=True):
        if row["test_accuracy"] >= TUTORIAL:
            return [Finding(what, (end,), "s")]
    return [Finding(what, note=f"not reached in {len(found.history)} epochs")]


def precisions(children: Children, runs: Runs) -> list[Finding]:
    """Seconds an epoch (the second) in each precision, compiled by XLA, and in larger batches."""
    lines = []
    for name in dict.fromkeys((runs.tutorial, runs.best)):
        variants: dict[str, dict[str, object]] = {
            "float32": {"precision": "float32"},
            "bfloat16": {"precision": "bfloat16"},
            "float16, scaled loss": {"precision": "float16"},
            "bfloat16, XLA": {"precision": "bfloat16", "xla": True},
            f"bfloat16, batch {LARGE:,}": {"precision": "bfloat16", "batch_size": LARGE},
        }
        trainings = [Training(name, {"epochs": 2, **change}) for change in variants.values()]
        results = children.train(*trainings)
        for variant, found in zip(variants, results, strict=False):
            lines += _speed(f"{name}, {variant}", found)
        lines += [
            Finding(f"{name}, {variant}: an epoch", note="left out, for the time is over")
            for variant in list(variants)[len(results) :]
        ]
    return lines


def idle(children: Children, runs: Runs) -> list[Finding]:
    """The share of an epoch of the tutorial's run in which the device does not work."""
    found = _trained(children, Training(runs.tutorial, {"epochs": 2}, traced_epoch=2))
    return [Finding(f"{runs.tutorial}: share of an epoch in which the GPU is idle", *_idle(found))]


def shards(children: Children, runs: Runs) -> list[Finding]:
    """Images read from the shards in each epoch: the weights of those in memory, to the byte."""
    training = Training(runs.little, {"epochs": 1, "shuffle": False})
    held, read = (_trained(children, training, memory=memory) for memory in (None, LITTLE))
    differ = float(held.digest != read.digest)
    return [Finding(f"{runs.little}, from shards: weights that differ", (differ,), "of 1", 0)]


def continued(children: Children, runs: Runs) -> list[Finding]:
    """A training that was begun on the CPU goes on on the GPU."""
    with _folder() as folder:
        begun = Training(runs.little, {"epochs": 2}, checkpoint=str(folder / "a.npz"), stop_after=1)
        children.train(begun, gpu=False)
        if not Path(begun.checkpoint).exists():
            raise BenchmarkError("the training on the CPU left no checkpoint")
        whole = Training(runs.little, {"epochs": 2}, checkpoint=begun.checkpoint)
        found = _trained(children, whole)
    again = float(len(found.epochs) != 1)
    return [Finding(f"{runs.little}: epochs of the CPU that are repeated", (again,), "of 1", 0)]


def predicted(children: Children, runs: Runs) -> list[Finding]:
    """One model's predictions of the test subset on both devices."""
    with _folder() as folder:
        model = str(folder / "model")
        _trained(children, Training(runs.little, {"epochs": 2}, save=model))
        found = children.device("agreement", model, runs.little)
    what = f"{runs.little}, CPU and GPU:"
    return [
        Finding(
            f"{what} largest difference of a probability",
            (found["difference"],),
            "probability",
            AGREEMENT,
        ),
        Finding(f"{what} images of another class", (found["other"],), "share", 0.001),
    ]


def out_of_memory(children: Children, runs: Runs) -> list[Finding]:
    """A network that the device cannot hold: one line that says what to lower."""
    what = "a batch that is too large: lines that do not say what to lower"
    if not children.gpu:
        return [Finding(what, note="only on a GPU, for here it would take the machine's memory")]
    huge = Training(
        runs.tutorial, {"epochs": 1, "batch_size": 16_384}, {"filters": [2048, 2048, 2048]}
    )
    found = children.train(huge)[0]
    says = found.error.startswith("out of memory") and "batch_size" in found.error
    return [Finding(what, (float(not says or "\n" in found.error),), "of 1", 0)]


PARTS: dict[str, Callable[[Children, Runs], list[Finding]]] = {
    part.__name__: part
    for part in (
        *(ceilings, tutorial, best, repeated, predicted, continued, shards, out_of_memory),
        *(until_accurate, idle, precisions),
    )
}


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        yield Path(folder)


def _trained(children: Children, training: Training, memory: int | None = None) -> Result:
    """Return what a training gave that came to its end."""
    found = children.train(training, memory=memory)[0]
    if found.error:
        raise BenchmarkError(f"{training.run}: {found.error}")
    return found


def _speed(what: str, found: Result) -> list[Finding]:
    """Return the median of the epochs after the first, in which the steps are traced."""
    if found.error:
        return [Finding(f"{what}: an epoch", note=found.error)]
    later = slice(1, None) if len(found.epochs) > 1 else slice(None)
    return [
        Finding(f"{what}: an epoch", tuple(found.epochs[later]), "s"),
        Finding(f"{what}: speed", tuple(found.images[later]), "images/s"),
    ]


def _idle(found: Result) -> tuple[tuple[float, ...], str, float, str]:
    """Return the values, unit, target and note of the share in which the device did not work."""
    if found.busy is None:
        return (), "share", 0.4, "the profiler saw no GPU"
    return (1 - found.busy,), "share", 0.4, ""
