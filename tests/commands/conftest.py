"""Calls of commands, in a process of their own or in this one."""

import os
import subprocess
import sys

import pytest

from networks import cnn
from pipeline import __main__
from pipeline.core import console
from pipeline.models import saved
from pipeline.shards.index import Statistics
from tests.support import builders

STATISTICS = Statistics((0.5,) * 3, (0.25,) * 3)


@pytest.fixture
def call(project):
    """Call a command in the project's folder; return the finished process."""

    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": str(builders.ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def inside(project, monkeypatch, capsys):
    """Call a command in this process: status, standard output and error."""

    def inside(*arguments):
        monkeypatch.setattr(sys, "argv", ["pipeline", *arguments])
        status = 0
        try:
            __main__.main()
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    yield inside
    console.set_level()


@pytest.fixture
def here(project, tensorflow, inside, capsys):
    """Call a command in this process, where TensorFlow is and a run has a model."""
    project.set("defaults.evaluate.threads", 2)  # as all tests have them
    built = cnn.build(cnn.Params(filters=(2,), dense=(3,)), (8, 8, 3), 3, STATISTICS)
    saved.save(saved.Model(built, builders.CLASSES), project.folder / "data/models/tiny_png")
    capsys.readouterr()
    return inside
