"""The device itself: what it is, what it can do at most, and whether two devices agree.

``python -m benchmarks.gpu.device NAME [ARGUMENT ...]`` calls one of the functions in a process of
its own, and prints what it returns as a line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu.training import MARK
from pipeline.models import runtime

SIDE = 8192
"""Of the matrices that are multiplied."""
COPIED = 1 << 30
"""Bytes that are copied."""
REPEAT = 20


def describe() -> dict[str, Any]:
    """Return the names of the GPUs, and the versions of what drives them."""
    runtime.configure(0, 2)
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    build = tf.sysconfig.get_build_info()
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    driver = Path("/proc/driver/nvidia/version")
    return {
        "gpus": [
            f"{one.get('device_name', 'unknown')}, compute capability "
            f"{'.'.join(map(str, one.get('compute_capability', ())))}"
            for one in details
        ],
        "driver": driver.read_text().splitlines()[0] if driver.exists() else "unknown",
        "versions": f"TensorFlow {tf.__version__}, CUDA {build.get('cuda_version', 'none')}, "
        f"cuDNN {build.get('cudnn_version', 'none')}",
    }


def ceilings(side: str = str(SIDE), copied: str = str(COPIED)) -> dict[str, Any]:
    """Return what the device reaches at most, and where it computed.

    ``float32`` and ``bfloat16`` are a product of two square matrices in TFLOP/s, ``copy`` is a copy
    within its memory, in GB/s, read and written.
    """
    runtime.configure(0, 2)
    import tensorflow as tf

    number = int(side)
    found: dict[str, Any] = {}
    for dtype in ("float32", "bfloat16"):
        a = tf.cast(tf.random.stateless_uniform((number, number), (1, 2)), dtype)
        found["placement"] = tf.matmul(a, a).device
        seconds = _seconds(tf.function(lambda a=a: tf.matmul(a, a)))
        found[dtype] = 2 * number**3 / seconds / 1e12
    block = tf.zeros(int(copied), tf.uint8)
    found["copy"] = 2 * int(copied) / _seconds(tf.function(lambda: tf.bitwise.invert(block))) / 1e9
    return found


def agreement(model: str, dataset: str) -> dict[str, Any]:
    """Return how far a model's predictions of the test subset on the two devices are apart.

    ``difference`` is the largest of any probability, ``other`` the share of images that got another
    class.
    """
    runtime.configure(0, 2)
    import tensorflow as tf

    from pipeline.models import saved
    from pipeline.subsets.images import Dataset

    loaded = saved.load_model(model)
    test = Dataset.read(dataset).images("test")[0]
    order = np.arange(len(test.labels))
    both = []
    for device in ("CPU:0", "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"):
        with tf.device(device):
            network = loaded.network.__class__.from_config(loaded.network.get_config())
            network.set_weights(loaded.network.get_weights())
            there = loaded._replace(network=network)
            parts = [
                there.probabilities(pixels.astype(np.float32) / np.float32(test.divisor))
                for pixels, _ in test.batches(order, 1000)
            ]
            both.append(np.concatenate(parts))
    one, other = both
    return {
        "difference": float(np.abs(one - other).max()),
        "other": float((one.argmax(1) != other.argmax(1)).mean()),
    }


def _seconds(work: Callable[[], Any]) -> float:
    """Return the seconds of a call, of several that are queued together."""
    work().numpy()
    began = time.perf_counter()
    for _ in range(REPEAT - 1):
        work()
    last = work()
    last[:1].numpy()  # ends when all before it are done, and copies little
    return (time.perf_counter() - began) / REPEAT


CALLS = {one.__name__: one for one in (describe, ceilings, agreement)}

if __name__ == "__main__":
    print(MARK + json.dumps(CALLS[sys.argv[1]](*sys.argv[2:])))
