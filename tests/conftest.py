"""Settings and fixtures of all tests."""

import shutil
import signal
from contextlib import chdir

import hypothesis
import pytest

from tests.support import builders

# Tests send it to programs, which inherit it as ignored where a shell runs all in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples each time, on however slow a machine, and no folder of them in the checkout.
hypothesis.settings.register_profile("same", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("same")


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> builders.Project:
    """A project folder with two tiny datasets, which is copied and stays as it is."""
    folder = tmp_path_factory.mktemp("built")
    with chdir(folder):
        return builders.Project(folder)


@pytest.fixture
def project(built, tmp_path, monkeypatch) -> builders.Project:
    """A project folder with two tiny datasets, entered."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(built.folder, tmp_path, dirs_exist_ok=True)
    return built.copy(tmp_path)


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """Configure TensorFlow as the stages do; a process can do it once, before its first use."""
    from pipeline.models import runtime

    runtime.configure(seed=0, threads=2)
