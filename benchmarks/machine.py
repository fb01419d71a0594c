"""The machine and the versions that figures are of."""

import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_tile", "asimd", "bf16")
"""Of the processor, as Linux names them: those that numerical kernels make use of."""
VERSIONS = ("tensorflow", "keras", "numpy", "opencv-python-headless", "pyarrow", "py7zr", "dvc")


def describe() -> list[str]:
    """Processor, memory, system and versions, a line each."""
    memory = psutil.virtual_memory().total / 1e9
    versions = ", ".join(f"{name} {version}" for name in VERSIONS if (version := _version(name)))
    return [
        f"Processor: {_cpu('model name') or platform.processor() or platform.machine()}, "
        f"{cores()} cores; {', '.join(sorted(flags()))}",
        f"Memory: {memory:.0f} GB",
        f"System: {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"Versions: {versions}",
    ]


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def flags() -> set[str]:
    """Those of ``FLAGS`` that the processor has."""
    found = (_cpu("flags") or _cpu("Features") or "").split()
    return set(FLAGS) & set(found)


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    return bool({"avx512_bf16", "amx_bf16"} & flags())


def _version(name: str) -> str | None:
    """The installed version; a machine that only trains lacks some."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu(key: str) -> str | None:
    """The first processor's line of ``/proc/cpuinfo``."""
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None
