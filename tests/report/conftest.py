"""Fixtures of the tests of reports."""

import pytest

from pipeline.models import hdf5


@pytest.fixture(autouse=True)
def weights_are_read_here(monkeypatch):
    """Read a file of weights, which tests made, without the process that a stranger's needs."""
    monkeypatch.setattr(hdf5, "_read", hdf5.tree)
