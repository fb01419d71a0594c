"""Hardware: what Linux says of a processor, and GPUs that work and that do not."""

import os

import numpy as np

from pipeline.doctor import hardware

CPUINFO = """processor\t: 0
model name\t: Some CPU @ 2.00GHz
flags\t\t: fpu avx2 avx512f avx512_bf16 amx_bf16 amx_tile

processor\t: 1
model name\t: Some CPU @ 2.00GHz
flags\t\t: fpu avx2 avx512f avx512_bf16 amx_bf16 amx_tile
"""


def test_the_processors_features_are_read(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO)
    found = hardware.cpu(path)
    assert found.name == "Some CPU @ 2.00GHz"
    assert found.features == ("AVX2", "AVX-512", "AVX-512 BF16", "AMX")
    assert 1 <= found.cores <= os.cpu_count()
    assert hardware.cpu(tmp_path / "none").features == ()


def test_memory_is_that_of_this_machine():
    total, available = hardware.memory()
    assert 0 < available <= total


def test_gpus_are_tried_with_a_product(tensorflow, monkeypatch):
    """On the processor, in place of a GPU: none is at hand where this was written."""
    import tensorflow as tf

    device = tf.config.list_logical_devices("CPU")[0]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [device])
    physical = tf.config.list_physical_devices("CPU")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: physical)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: {})
    (found,) = hardware.gpus()
    assert found.error == ""
    multiply = tf.matmul
    monkeypatch.setattr(tf, "matmul", lambda a, b: multiply(a, b) * np.float32(1.1))
    (found,) = hardware.gpus()
    assert found.error == "its product is wrong"
