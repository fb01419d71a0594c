"""Hardware: what there is for training, and how fast it is in which precision."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

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
TRIALS = 5
FASTER = 1.2
"""How many times as fast a narrower precision must be to be recommended."""
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
    """The processor, as Linux describes it; elsewhere only the number of its cores."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    pairs = (line.partition(":")[::2] for line in lines)
    found = {key.strip(): value.strip() for key, value in pairs}
    flags = found.get("flags", found.get("Features", "")).split()
    return Cpu(
        name=found.get("model name", "of unknown name"),
        cores=cores,
        features=tuple(name for flag, name in FEATURES.items() if flag in flags),
    )


def memory() -> tuple[int, int]:
    """Bytes of memory, and how many of them are available."""
    found = psutil.virtual_memory()
    return found.total, found.available


def convolution_seconds(precision: str) -> float:
    """Time that a convolution of a batch and its gradients take, the best of some trials.

    Of the size of the tutorial's second one: 128 images, 14 by 14, from 32 to 64 channels.
    """
    import tensorflow as tf

    kind = tf.as_dtype(precision)
    rng = np.random.default_rng(0)
    images = tf.cast(tf.constant(rng.random((128, 14, 14, 32), np.float32)), kind)
    kernel = tf.cast(tf.constant(rng.random((3, 3, 32, 64), np.float32)), kind)

    def step(images: Any, kernel: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch((images, kernel))
            loss = tf.reduce_sum(tf.nn.relu(tf.nn.conv2d(images, kernel, 1, "SAME")))
        return tape.gradient(loss, (images, kernel))

    compiled = tf.function(step)
    found = []
    for _ in range(TRIALS + 1):  # the first one is for making the graph
        started = time.perf_counter()
        [part.numpy() for part in compiled(images, kernel)]
        found.append(time.perf_counter() - started)
    return min(found[1:])


class Gpu(NamedTuple):
    """A GPU that TensorFlow sees, and how it did."""

    device: str
    name: str
    gflops: float
    """10⁹ operations a second, of a product of float32 matrices."""
    error: str


def gpus() -> Iterator[Gpu]:
    """Try each GPU that TensorFlow sees with a product of matrices, compared with NumPy's."""
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
                a, b = tf.constant(left), tf.constant(right)
                seconds = []
                for _ in range(TRIALS):
                    started = time.perf_counter()
                    product = tf.matmul(a, b).numpy()
                    seconds.append(time.perf_counter() - started)
        except tf.errors.OpError as error:
            yield Gpu(device.name, name, 0.0, " ".join(str(error).split())[:200])
            continue
        # TensorFloat-32 has ten bits of a mantissa.
        right_so = np.allclose(product, left @ right, rtol=1e-2)
        gflops = 2 * SIDE**3 / min(seconds) / 1e9
        yield Gpu(device.name, name, gflops, "" if right_so else "its product is wrong")
