"""Type of this machine, as TensorFlow and Linux tell it."""

import os
import platform
from collections import Counter
from pathlib import Path

from pipeline.execution.machine import NO_GPU, Machine

FLAGS = (
    *("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8"),
    *("asimd", "bf16", "sve"),
)
"""Instruction sets that numerical kernels ask about, by Linux's names."""


def here() -> Machine:
    """Return the type of this machine; ``runtime.configure`` has set TensorFlow up before."""
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(device) for device in devices]
    return Machine(gpu=gpus(details), kernels=_kernels(), processor=processor())


def processor(path: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's architecture, and its instruction sets where Linux tells them."""
    flags: set[str] = set()
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("flags", "Features"):
                    flags = set(value.split())
                    break
    return " ".join([platform.machine(), *(flag for flag in FLAGS if flag in flags)])


def gpus(details: list[dict[str, object]]) -> str:
    """Return the models and compute capabilities of GPUs, from what TensorFlow tells of each."""
    names = Counter(
        f"{one.get('device_name', 'GPU')} ({'.'.join(map(str, _capability(one)))})"
        for one in details
    )
    return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in names.items()) or NO_GPU


def _capability(details: dict[str, object]) -> tuple[object, ...]:
    found = details.get("compute_capability")
    return found if isinstance(found, tuple) else ("?",)


def _kernels() -> str | None:
    """Return what computes on the processor, which TensorFlow chooses by its instruction sets."""
    try:
        from tensorflow.python.util import _pywrap_util_port
    except ImportError:  # it is no public module
        return None
    if not _pywrap_util_port.IsMklEnabled():
        return "Eigen"
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA")
    return f"oneDNN up to {limit.lower()}" if limit else "oneDNN"
