"""Peers: what machines that train together tell each other, by TensorFlow's collectives.

Each function is called by all of them, and waits for all.
"""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core import console
from pipeline.core.errors import ClusterError
from pipeline.execution import fingerprint
from pipeline.models import runtime
from pipeline.train import multi_worker

if TYPE_CHECKING:
    import tensorflow as tf
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params, Section

WAIT_SECONDS = 600
"""For how long machines wait for each other at the start."""


SILENT_SECONDS = 30
"""A machine is taken for lost after so long a silence, or once a broken connection tells."""


LOST_SECONDS = 60
"""Within this time a machine that is lost ends the training on the others."""


LATER = (
    "pipeline.models.cnn",
    "pipeline.train.augmentation_ops",
    "pipeline.train.loop",
    "pipeline.train.schedules",
    "pipeline.train.tensorboard",
)
"""Modules that training imports once TensorFlow is set up."""


State = tuple[list[NDArray[Any]], Any]
"""Arrays and a JSON value, as a checkpoint has them."""


def strategy() -> "tf.distribute.Strategy":
    """The devices of this machine, or those of all that ``TF_CONFIG`` names, for which this waits.

    Call it before any operation of TensorFlow.

    Raises
    ------
    ClusterError
        If not all of them have come within ``WAIT_SECONDS``.
    """
    import tensorflow as tf
    from tensorflow.python.eager import context

    machines = multi_worker.read()
    if machines is None:
        return runtime.strategy()
    names = ", ".join(machines.addresses)
    console.say(f"waiting for all of {names}")
    # The strategy configures this with TensorFlow's own times: ten seconds are few on a busy
    # machine, and an hour is much to wait for one that does not come.
    session = context.context()
    session.configure_coordination_service = partial(
        session.configure_coordination_service,
        cluster_register_timeout_in_ms=1000 * WAIT_SECONDS,
        heartbeat_timeout_in_ms=1000 * SILENT_SECONDS,
    )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0][:200]
        raise ClusterError(
            f"not all of {names} have come ({reason}); start dvc repro on the first and python -m "
            f"pipeline worker on the others, within {WAIT_SECONDS} s, and let them reach each other"
        ) from None


def agree(strategy: "tf.distribute.Strategy", **inputs: str) -> None:
    """See that all machines have the chief's code, library versions and ``inputs``.

    Raises
    ------
    ClusterError
        On each machine, naming those that differ and how.
    """
    machines = multi_worker.read()
    if machines is None:
        return
    mine = json.dumps([dict(fingerprint.environment(*LATER)), inputs])
    expected, given = json.loads(_tell(strategy, mine if machines.is_chief else "")[0])
    fault = fingerprint.differences(expected)
    others = [name for name, value in given.items() if inputs[name] != value]
    fault += "; " * bool(fault and others) + ", ".join(f"other {name}" for name in others)
    faults = zip(machines.addresses, _tell(strategy, fault), strict=True)
    found = [f"{address} differs from the chief: {what}" for address, what in faults if what]
    if found:
        raise ClusterError(
            "; ".join(found) + ". Bring all machines to the same Git revision, installation "
            "(make setup) and data (dvc pull), and start them again"
        )


def share(strategy: "tf.distribute.Strategy", state: State | None) -> State | None:
    """The chief's state, on all machines, bit by bit."""
    machines = multi_worker.read()
    if machines is None:
        return state
    arrays, note = state if state and machines.is_chief else ([], None)
    form = [[array.dtype.str, array.shape] for array in arrays]
    form, note = json.loads(_tell(strategy, json.dumps([form, note]))[0])
    if note is None:
        return None
    found = []
    for number, (dtype, shape) in enumerate(form):
        mine = arrays[number] if arrays else np.zeros(shape, dtype)  # the sum is the chief's
        words = np.frombuffer(mine.tobytes() + bytes(4 - mine.nbytes % 4), np.int32)
        content = _sum(strategy, words).tobytes()[: mine.nbytes]
        found.append(np.frombuffer(content, dtype).reshape(shape))
    return found, note


def _tell(strategy: "tf.distribute.Strategy", text: str) -> list[str]:
    """Everybody's text, in the order of the addresses."""
    machines = multi_worker.read()
    assert machines
    content = np.frombuffer(text.encode(), np.uint8)
    lengths = np.zeros(len(machines.addresses), np.int32)
    lengths[machines.rank] = len(content)
    lengths = _sum(strategy, lengths)
    rows = np.zeros((len(lengths), max(lengths) + 1), np.int32)
    rows[machines.rank, : len(content)] = content
    rows = _sum(strategy, rows)
    return [bytes(row[:n].astype(np.uint8)).decode() for row, n in zip(rows, lengths, strict=True)]


def _sum(strategy: "tf.distribute.Strategy", values: NDArray[np.int32]) -> NDArray[np.int32]:
    """The sum of everybody's values, at least one; that of integers is exact.

    Without any, TensorFlow would crash.
    """
    import tensorflow as tf

    devices = len(strategy.extended.worker_devices)

    def give(context: Any) -> Any:
        is_first = context.replica_id_in_sync_group % devices == 0
        return tf.constant(values if is_first else np.zeros_like(values))

    each = strategy.experimental_distribute_values_from_function(give)
    total: NDArray[np.int32] = np.asarray(strategy.reduce("SUM", each, axis=None))
    return total


TF_CONFIG = "TF_CONFIG"


Address = Annotated[str, StringConstraints(pattern=r"^\S+:\d+$")]
"""``host:port``."""


class Machines(Section):
    """Addresses by kind; without a chief, the first worker is it."""

    chief: Annotated[tuple[Address, ...], Field(max_length=1)] = ()
    worker: tuple[Address, ...] = ()


class Task(Section):
    """Which of them this machine is."""

    type: Literal["chief", "worker"]
    index: Annotated[int, Field(ge=0)]


class Cluster(Section):
    """The machines, and which one this is."""

    cluster: Machines
    task: Task

    @model_validator(mode="after")
    def _is_among_them(self) -> "Cluster":
        there = len(getattr(self.cluster, self.task.type))
        if self.task.index >= there:
            raise ValueError(
                f"task is {self.task.type} {self.task.index}, but cluster has {there} of them"
            )
        return self

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Of all machines, the chief's first."""
        return self.cluster.chief + self.cluster.worker

    @property
    def rank(self) -> int:
        """Where this one is among the addresses."""
        return self.task.index + (len(self.cluster.chief) if self.task.type == "worker" else 0)

    @property
    def is_chief(self) -> bool:
        """Whether this machine writes what comes of the training."""
        return self.rank == 0


def read() -> Cluster | None:
    """The cluster in ``TF_CONFIG``; None without it, or where it names a single machine.

    Raises
    ------
    ParameterError
        If it is not JSON, or names machines or a task that cannot train together.
    """
    text = os.environ.get(TF_CONFIG, "")
    if not text:
        return None
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise ParameterError(f"{TF_CONFIG} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ParameterError(f"{TF_CONFIG} must be a mapping of cluster and task, got {text[:80]}")
    wanted = {key: value[key] for key in ("cluster", "task") if key in value}
    found = Params(value, Path(TF_CONFIG)).validate(Cluster, wanted, lambda _: "")
    return found if len(found.addresses) > 1 else None


def expect(*, chief: bool, run: str) -> None:
    """Refuse to start the chief's program on a worker, or a worker's on the chief.

    Raises
    ------
    ParameterError
        Saying what is to be started here.
    """
    found = read()
    if chief and found and not found.is_chief:
        raise ParameterError(
            f"{TF_CONFIG} makes this machine worker {found.addresses[found.rank]}; start here: "
            f"python -m pipeline worker {run} (dvc repro is for the chief, {found.addresses[0]})"
        )
    if not chief and (found is None or found.is_chief):
        raise ParameterError(
            f"{TF_CONFIG} makes this machine the chief; start dvc repro here"
            if found
            else f"{TF_CONFIG} names no other machine; set it as docs/scale.md says"
        )
