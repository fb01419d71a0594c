"""Peers: what machines that train together tell each other, by TensorFlow's collectives.

Each function is called by all of them, and waits for all.
"""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core import progress
from pipeline.core.errors import ClusterError
from pipeline.execution import environment
from pipeline.models import runtime
from pipeline.train import cluster

if TYPE_CHECKING:
    import tensorflow as tf

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

    machines = cluster.read()
    if machines is None:
        return runtime.strategy()
    names = ", ".join(machines.addresses)
    progress.say(f"waiting for all of {names}")
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
    machines = cluster.read()
    if machines is None:
        return
    mine = json.dumps([dict(environment.current(*LATER)), inputs])
    expected, given = json.loads(_tell(strategy, mine if machines.is_chief else "")[0])
    fault = environment.differences(expected)
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
    machines = cluster.read()
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
    machines = cluster.read()
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
