"""Types of machines, ``machine.json``: on what a run was trained, as its weights depend on it."""

import os
import platform
from collections import Counter
from pathlib import Path
from typing import Self

from pipeline.core import files, paths
from pipeline.core.params import Section

NAME = "machine.json"
FLAGS = (
    *("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8"),
    *("asimd", "bf16", "sve"),
)
"""Instruction sets that numerical kernels ask about, by Linux's names."""
NO_GPU = "none"


class Machine(Section):
    """The content of ``machine.json``. None stands for what is not known.

    The same inputs give the same weights on machines of one type; on others they are rounded in
    other ways. Nothing in it tells one machine of a type from another.
    """

    gpu: str | None
    """Model, compute capability and number of the GPUs; ``none`` if there was none."""
    kernels: str | None
    """``oneDNN`` or ``Eigen``, which compute on the processor; with a limit, if one was set."""
    processor: str | None
    """Architecture and instruction sets, such as ``x86_64 avx2``."""

    @classmethod
    def of(cls, run: str) -> Self | None:
        """Read a run's record; return None if it has none, as those of earlier versions."""
        return cls.read(path(run)) if path(run).exists() else None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record; raise DataError if it is missing or damaged."""
        return files.read_record(path, cls, "train again (dvc repro)")

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        files.write_json(path, self.model_dump(mode="json"))

    def is_other(self, two: "Machine | None") -> bool:
        """Return True if two types are known to differ."""
        if two is None:
            return False
        pairs = ((getattr(self, key), getattr(two, key)) for key in type(self).model_fields)
        return any(None not in pair and len(set(pair)) == 2 for pair in pairs)

    def describe(self) -> str:
        """Return the type in words, such as ``x86_64 avx2, Eigen``."""
        parts = [self.processor, self.kernels, None if self.gpu == NO_GPU else self.gpu]
        return ", ".join(part for part in parts if part) or "a machine of unknown type"


def path(run: str) -> Path:
    """Return the place of a run's record."""
    return paths.metrics(run) / NAME


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
