"""Settings and fixtures for every test."""

import hypothesis
import pytest

from tests import builders

# The same examples each time, on however slow a machine, and no folder of them in the checkout.
hypothesis.settings.register_profile("same", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("same")


@pytest.fixture
def project(tmp_path, monkeypatch) -> builders.Project:
    """A project folder with two tiny datasets, entered."""
    monkeypatch.chdir(tmp_path)
    return builders.Project(tmp_path)
