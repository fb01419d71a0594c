"""Training on several machines: their addresses, what they agree on and what they share.

Each machine finds the others in ``TF_CONFIG``, as TensorFlow and Kubeflow set it. The first is the
chief, which runs ``dvc repro`` and writes the result. All of them compute the same steps by
TensorFlow's MultiWorkerMirroredStrategy. Without the variable, or with one machine in it, a
training is that of this machine alone.
"""

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from pipeline.core import console
from pipeline.core.errors import ClusterError, ParameterError
from pipeline.core.params import Params, Section
from pipeline.execution import fingerprint
from pipeline.models import runtime

if TYPE_CHECKING:
    import tensorflow as tf

TF_CONFIG = "TF_CONFIG"
"""The environment variable that names the machines, in JSON."""
WAIT_SECONDS = 600
"""Time for which machines wait for each other at the start."""
SILENT_SECONDS = 30
"""Silence after which a machine counts as lost; a broken connection is noticed sooner."""
LATER = (
    "pipeline.train.augmentation.augmenter",
    "pipeline.train.augmentation.draw",
    "pipeline.train.augmentation.erasing",
    "pipeline.train.augmentation.geometry",
    "pipeline.train.augmentation.light",
    "pipeline.train.augmentation.trivial",
    "pipeline.train.fine_tuning",
    "pipeline.train.fused",
    "pipeline.train.loop",
    "pipeline.train.schedule_ops",
    "pipeline.train.tensorboard",
)
"""Modules that training imports once TensorFlow is set up."""

Address = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}:[0-9]{1,5}$")]
"""``host:port``."""
State = tuple[list[NDArray[Any]], Any]
"""Arrays and a JSON value, as a checkpoint has them."""


class Machines(Section):
    """Addresses by type; without a chief, the first worker is the chief."""

    chief: Annotated[tuple[Address, ...], Field(max_length=1)] = ()
    worker: tuple[Address, ...] = ()


class Task(Section):
    """The position of this machine among them."""

    type: Literal["chief", "worker"]
    index: Annotated[int, Field(ge=0)]


class Cluster(Section):
    """The machines, and the position of this one."""

    cluster: Machines
    task: Task

    @model_validator(mode="after")
    def _is_among_them(self) -> "Cluster":
        count = len(getattr(self.cluster, self.task.type))
        if self.task.index >= count:
            raise ValueError(
                f"task is {self.task.type} {self.task.index}, but cluster has {count} of them"
            )
        return self

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Return the addresses of all machines, the chief's first."""
        return self.cluster.chief + self.cluster.worker

    @property
    def rank(self) -> int:
        """Return this machine's position among the addresses."""
        return self.task.index + (len(self.cluster.chief) if self.task.type == "worker" else 0)

    @property
    def is_chief(self) -> bool:
        """Tell if this machine is the one that writes the result."""
        return self.rank == 0


def read() -> Cluster | None:
    """Return the cluster in ``TF_CONFIG``; None without it, or if it names a single machine.

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
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"{TF_CONFIG} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ParameterError(f"{TF_CONFIG} must be a mapping of cluster and task, got {text[:80]}")
    ours = {key: value[key] for key in ("cluster", "task") if key in value}
    machines = Params(value, Path(TF_CONFIG)).validate(Cluster, ours, lambda _: "")
    return machines if len(machines.addresses) > 1 else None


def expect(*, chief: bool, run: str) -> None:
    """Refuse to start the chief's program on a worker, or a worker's on the chief.

    Raises
    ------
    ParameterError
        With the command that is to be started here.
    """
    machines = read()
    if chief and machines and not machines.is_chief:
        raise ParameterError(
            f"{TF_CONFIG} makes this machine worker {machines.addresses[machines.rank]}; start "
            f"here: python -m pipeline worker {run} (dvc repro is for the chief, "
            f"{machines.addresses[0]})"
        )
    if not chief and (machines is None or machines.is_chief):
        raise ParameterError(
            f"{TF_CONFIG} makes this machine the chief; start dvc repro here"
            if machines
            else f"{TF_CONFIG} names no other machine; set it as docs/scale.md says"
        )


def strategy() -> "tf.distribute.Strategy":
    """Return the devices of this machine, or of all that ``TF_CONFIG`` names: it waits for them.

    Call it before any operation of TensorFlow.

    Raises
    ------
    ClusterError
        If not all of them are there within ``WAIT_SECONDS``.
    """
    import tensorflow as tf
    from tensorflow.python.eager import context

    machines = read()
    if machines is None:
        return runtime.strategy()
    names = ", ".join(machines.addresses)
    console.info(f"waiting for all of {names}")
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
    """Refuse machines whose code, library versions or ``inputs`` are not the chief's.

    All machines call this, and wait for each other.

    Raises
    ------
    ClusterError
        On each machine, with those that differ, and in what.
    """
    machines = read()
    if machines is None:
        return
    mine = json.dumps([dict(fingerprint.environment(*LATER)), inputs])
    expected, given = json.loads(_gather(strategy, mine if machines.is_chief else "")[0])
    fault = fingerprint.differences(expected)
    others = [name for name, value in given.items() if inputs[name] != value]
    fault += "; " * bool(fault and others) + ", ".join(f"other {name}" for name in others)
    faults = zip(machines.addresses, _gather(strategy, fault), strict=True)
    differing = [f"{address} differs from the chief: {what}" for address, what in faults if what]
    if differing:
        raise ClusterError(
            "; ".join(differing) + ". Bring all machines to the same Git revision, installation "
            "(make setup) and data (dvc pull), and start them again"
        )


def share(strategy: "tf.distribute.Strategy", state: State | None) -> State | None:
    """Return the chief's state, bit by bit the same on all machines, which all call this."""
    machines = read()
    if machines is None:
        return state
    arrays, note = state if state and machines.is_chief else ([], None)
    forms = [[array.dtype.str, array.shape] for array in arrays]
    forms, note = json.loads(_gather(strategy, json.dumps([forms, note]))[0])
    if note is None:
        return None
    shared = []
    for number, (dtype, shape) in enumerate(forms):
        mine = arrays[number] if arrays else np.zeros(shape, dtype)  # the sum is the chief's
        words = np.frombuffer(mine.tobytes() + bytes(4 - mine.nbytes % 4), np.int32)
        content = _sum(strategy, words).tobytes()[: mine.nbytes]
        shared.append(np.frombuffer(content, dtype).reshape(shape))
    return shared, note


def _gather(strategy: "tf.distribute.Strategy", text: str) -> list[str]:
    """Return the text of each machine, in the order of the addresses."""
    machines = read()
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
    """Return the sum of all machines' values, which is exact for integers.

    ``values`` must not be empty, for TensorFlow would crash.
    """
    import tensorflow as tf

    devices = len(strategy.extended.worker_devices)

    def value(context: Any) -> Any:
        is_first = context.replica_id_in_sync_group % devices == 0
        return tf.constant(values if is_first else np.zeros_like(values))

    each = strategy.experimental_distribute_values_from_function(value)
    total: NDArray[np.int32] = np.asarray(strategy.reduce("SUM", each, axis=None))
    return total
