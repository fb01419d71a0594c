"""Tests of types of machines."""

import json

import pytest

from pipeline.core.errors import DataError
from pipeline.execution import machine
from pipeline.execution.machine import Machine

PLAIN = Machine(gpu="none", kernels="Eigen", processor="x86_64 avx2")
UNKNOWN = Machine(gpu=None, kernels=None, processor=None)


def test_record_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "machine.json"
    PLAIN.write(path)
    assert Machine.read(path) == PLAIN
    assert json.loads(path.read_text()) == {
        "gpu": "none",
        "kernels": "Eigen",
        "processor": "x86_64 avx2",
    }


def test_run_of_an_earlier_version_has_no_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Machine.of("digits") is None
    machine.path("digits").parent.mkdir(parents=True)
    machine.path("digits").write_text("{}")
    with pytest.raises(DataError, match=r"machine\.json.*train again"):
        Machine.of("digits")


def test_types_differ_only_by_what_both_know():
    assert PLAIN.is_other(PLAIN.model_copy(update={"kernels": "oneDNN"}))
    assert PLAIN.is_other(PLAIN.model_copy(update={"gpu": "NVIDIA H100 (9.0)"}))
    assert not PLAIN.is_other(PLAIN)
    assert not PLAIN.is_other(UNKNOWN)
    assert not PLAIN.is_other(None)


def test_description():
    assert PLAIN.describe() == "x86_64 avx2, Eigen"
    with_gpu = PLAIN.model_copy(update={"gpu": "NVIDIA H100 (9.0)"})
    assert with_gpu.describe() == "x86_64 avx2, Eigen, NVIDIA H100 (9.0)"
    assert UNKNOWN.describe() == "a machine of unknown type"
