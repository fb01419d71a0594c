"""TensorFlow's runtime, set up to give the same result every time; TensorFlow loads when used."""

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.core import console
from pipeline.core.errors import ParameterError, shown

if TYPE_CHECKING:
    import tensorflow as tf

Threads = Annotated[int, Field(gt=0, le=1024)]
"""Threads in one operation on a CPU. Sums of floats depend on how they are divided among threads,
so that this is a parameter, and not the machine's number of cores."""

STEERING = re.compile(
    "(DNNL|NVIDIA_TF32|ONEDNN|TENSORFLOW_USE"
    "|TF_(AUTO_MIXED_PRECISION|CONV2D|CUDNN|DISABLE|ENABLE|FP16|MATMUL|SET|USE|XLA))_"
)
"""Beginnings of the environment variables that choose other kernels, instruction sets or
precisions: they change results, and DVC does not track them."""

KERNELS = "PIPELINE_KERNELS"
"""The environment variable that makes this processor compute as another type of machine does."""
IMITATED = {
    "eigen": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "onednn": {"TF_ENABLE_ONEDNN_OPTS": "1"},
    "onednn-avx2": {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "onednn-sse41": {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "SSE41"},
}
"""Its values, and TensorFlow's own variables for them; ``machine.json`` records which it was."""
NEEDLESS = ("matplotlib", "pandas", "sklearn")
"""Libraries that Keras imports where they are installed, for functions that are not used here. They
are a third of the time that its import takes."""


def configure(seed: int, threads: int) -> None:
    """Seed all generators, make operations deterministic, fix the threads, let GPU memory grow.

    Neither the environment, but for ``KERNELS``, nor a user's ``keras.json`` changes the results.
    Call it before TensorFlow is imported in this process; a second call changes only the seed.

    Parameters
    ----------
    threads : int
        Threads in one operation on a CPU.

    Raises
    ------
    ParameterError
        If ``KERNELS`` names none of ``IMITATED``.
    """
    _set_environment(_imitated())
    with _quiet(), _hidden(NEEDLESS), tempfile.TemporaryDirectory() as empty:
        os.environ |= {"KERAS_HOME": empty, "KERAS_BACKEND": "tensorflow"}  # no keras.json
        import keras
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    if tf.config.threading.get_intra_op_parallelism_threads() == threads:
        return
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)


def strategy() -> "tf.distribute.Strategy":
    """Return all visible GPUs, mirrored; else one device, the only GPU or the CPU."""
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    if len(gpus) > 1:
        return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
    return tf.distribute.get_strategy()


def _imitated() -> dict[str, str]:
    """Return TensorFlow's variables for the kernels that are asked for, none by default."""
    chosen = os.environ.get(KERNELS)
    if not chosen:
        return {}
    if chosen not in IMITATED:
        raise ParameterError(f"{KERNELS} is {shown(chosen)}; it takes {', '.join(IMITATED)}")
    return IMITATED[chosen]


def _set_environment(wanted: Mapping[str, str]) -> None:
    """Remove the variables that would change results, and print their names; set those wanted."""
    steering = sorted(name for name in os.environ if STEERING.match(name))
    ignored = [name for name in steering if os.environ[name] != wanted.get(name)]
    for name in ignored:
        del os.environ[name]
    os.environ |= wanted
    if ignored:
        console.info(f"ignored, for results must not depend on it: {', '.join(ignored)}")


@contextmanager
def _hidden(libraries: Iterable[str]) -> Iterator[None]:
    """Have libraries that are not imported yet be as if not installed, within the body."""
    hidden = dict.fromkeys(set(libraries) - set(sys.modules))
    sys.modules.update(hidden)  # type: ignore[arg-type] # None: an import of it fails
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back TensorFlow's lines on standard error, until its own log level takes effect.

    They are shown if an exception is raised, and always with ``TF_CPP_MIN_LOG_LEVEL=0`` in the
    environment.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") == "0":
        yield
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
