"""Trainings in a process of their own: ``python -m benchmarks.gpu.training``.

TensorFlow's runtime is set up once in a process, so each device, and each limit of memory, wants
its own. The process reads the trainings as JSON on standard input, and prints what each gave as a
line of JSON as soon as it is there.
"""

import hashlib
import json
import logging
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.gpu import trace
from pipeline import runs
from pipeline.core import errors, paths
from pipeline.core.console import LOGGER
from pipeline.core.params import Params
from pipeline.models import families, runtime
from pipeline.models.families import Network
from pipeline.train.params import TrainParams

MARK = "result: "
"""Begins such a line, among those of the pipeline."""
EPOCH = re.compile(r"epoch (\d+)/\d+: .* ([\d.]+) s, ([\d,]+) images/s$")


@dataclass(frozen=True)
class Training:
    """A run of ``params.yaml``, with what is to be changed of it."""

    run: str
    train: dict[str, Any] = field(default_factory=dict)
    """Of the section ``train``."""
    model: dict[str, Any] = field(default_factory=dict)
    """Of the section ``model``."""
    save: str = ""
    """Folder for the model; empty: none."""
    checkpoint: str = ""
    """File that keeps the state after each epoch; empty: none."""
    stop_after: int = 0
    """Epochs after which the process ends, as if it was killed; 0: all are trained."""
    traced_epoch: int = 0
    """The epoch of which the device's work is recorded; 0: none."""


@dataclass
class Result:
    """What a training gave."""

    epochs: list[float] = field(default_factory=list)
    """Seconds of each epoch, without the validation subset."""
    images: list[float] = field(default_factory=list)
    """Images a second in each epoch."""
    ends: list[float] = field(default_factory=list)
    """Seconds from the start of the process to the end of each epoch."""
    history: list[dict[str, Any]] = field(default_factory=list)
    digest: str = ""
    """SHA-256 of the trained weights."""
    seconds: float = 0.0
    """From the first line of code of the training to its last, tracing included."""
    busy: float | None = None
    """Share of the traced epoch in which the device worked, in [0, 1]."""
    error: str = ""
    """The one line that the training ended with."""


class Epochs(logging.Handler):
    """A handler that reads each epoch's line, and starts and ends the trace between epochs."""

    def __init__(self, training: Training, result: Result) -> None:
        super().__init__()
        self.training, self.result = training, result
        self.started = psutil.Process().create_time()

    def emit(self, record: logging.LogRecord) -> None:
        """Note the epoch of which the record tells."""
        if not (told := EPOCH.match(record.getMessage())):
            return
        epoch, speed = int(told[1]), float(told[3].replace(",", ""))
        self.result.ends.append(time.time() - self.started)
        self.result.images.append(speed)
        self.result.epochs.append(float(told[2]))
        if epoch == self.training.traced_epoch - 1:
            trace.start()
        elif epoch == self.training.traced_epoch:
            self.result.busy = trace.stop()
        # The state after an epoch is written once its line was printed.
        if self.training.stop_after and epoch > self.training.stop_after:
            raise KeyboardInterrupt


def train(training: Training) -> Result:
    """Train, and return what it gave; an error that a user can mend is a part of that."""
    from pipeline.models import saved
    from pipeline.subsets.images import Dataset
    from pipeline.train import fit

    result = Result()
    handler = Epochs(training, result)
    LOGGER.addHandler(handler)
    began = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            params = Params.read(paths.params(training.run))
            section = changed(params, training.run, "train", TrainParams, training.train)
            runtime.configure(section.seed, section.threads)
            family = families.family(runs.network(params, training.run))
            model = changed(params, training.run, "model", family.params, training.model)
            done = fit.train(
                Dataset.read(runs.dataset(params, training.run)),
                Network(family, model, runs.weights(params, training.run)),
                section,
                logs=Path(folder) / "logs",
                checkpoint=Path(training.checkpoint or f"{folder}/checkpoint.npz"),
            )
        result.seconds = time.perf_counter() - began
        result.history = [dict(row) for row in done.history]
        result.digest = digest(done.model.network)
        if training.save:
            saved.save(done.model, Path(training.save))
    except KeyboardInterrupt:
        result.error = "stopped"
    except Exception as error:
        result.error = errors.explain(error) or repr(error)
    finally:
        LOGGER.removeHandler(handler)
    return result


def changed(
    params: Params, run: str, name: str, model: type[Any], changes: Mapping[str, Any]
) -> Any:
    """Return a section of a run, with changes."""
    section = runs.section(params, run, name, model).model_dump(mode="json")
    return model.model_validate_json(json.dumps(section | dict(changes)))


def digest(network: Any) -> str:
    """Return the SHA-256 of all weights of a network."""
    whole = hashlib.sha256()
    for weights in network.get_weights():
        whole.update(weights.tobytes())
    return whole.hexdigest()


def main() -> None:
    """Train what standard input describes."""
    trainings = [Training(**one) for one in json.load(sys.stdin)]
    for training in trainings:
        print(MARK + json.dumps(asdict(train(training))), flush=True)


if __name__ == "__main__":
    main()
