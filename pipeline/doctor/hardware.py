"""Hardware for training: the processor and its instruction sets, the memory, the GPUs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

FEATURES = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "amx_bf16": "AMX",
    "asimd": "NEON",
    "bf16": "Arm BF16",
}
"""Instruction sets that matter to training, by Linux's names."""
BFLOAT16 = {"AVX-512 BF16", "AMX", "Arm BF16"}
"""Those that multiply bfloat16; without one, TensorFlow does it slower than float32."""
SIDE = 1024
"""Rows of the square matrices with which a GPU is tried."""


class Cpu(NamedTuple):
    """The processor."""

    name: str
    cores: int
    """Logical ones that this process may use."""
    features: tuple[str, ...]
    """Of ``FEATURES``."""


def cpu(path: Path = Path("/proc/cpuinfo")) -> Cpu:
    """Return the processor, as Linux describes it; elsewhere only the number of its cores."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    pairs = (line.partition(":")[::2] for line in lines)
    facts = {key.strip(): value.strip() for key, value in pairs}
    flags = facts.get("flags", facts.get("Features", "")).split()
    return Cpu(
        name=facts.get("model name", "of unknown name"),
        cores=cores,
        features=tuple(name for flag, name in FEATURES.items() if flag in flags),
    )


def memory() -> tuple[int, int]:
    """Return the bytes of memory, and how many of them are available."""
    state = psutil.virtual_memory()
    return state.total, state.available


class Gpu(NamedTuple):
    """A GPU that TensorFlow sees, and the result of its trial."""

    device: str
    name: str
    error: str
    """Empty if its product was right."""


def gpus() -> Iterator[Gpu]:
    """Try each GPU that TensorFlow sees with a product of matrices; compare it with NumPy's."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    left, right = (rng.random((SIDE, SIDE), np.float32) for _ in range(2))
    for device in tf.config.list_logical_devices("GPU"):
        number = int(device.name.rpartition(":")[2])
        details = tf.config.experimental.get_device_details(
            tf.config.list_physical_devices("GPU")[number]
        )
        name = details.get("device_name", "of unknown name")
        try:
            with tf.device(device.name):
                product = tf.matmul(tf.constant(left), tf.constant(right)).numpy()
        except tf.errors.OpError as error:
            yield Gpu(device.name, name, " ".join(str(error).split())[:200])
            continue
        # TensorFloat-32 has ten bits of a mantissa.
        is_right = np.allclose(product, left @ right, rtol=1e-2)
        yield Gpu(device.name, name, "" if is_right else "its product is wrong")
