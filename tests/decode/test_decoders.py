"""The stage program ``decode``, as DVC runs it."""

from typing import get_args

import pytest

from pipeline.decode.decoders import DECODERS
from pipeline.extract.kind import Kind


def test_every_kind_has_a_decoder():
    assert set(DECODERS) == set(get_args(Kind))


@pytest.mark.slow
def test_stage_program(project):
    for name in ("tiny_idx", "tiny_png"):
        assert project.run("extract", name).returncode == 0
        done = project.run("decode", name)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"decode {name}: ")
    project.set("datasets.tiny_png.decode.classes", ["cat", "dog", "owl"])
    failed = project.run("decode", "tiny_png")
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "unknown class 'emu'" in failed.stderr
