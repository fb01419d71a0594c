"""Fixtures for every test."""

import pytest

from tests import builders


@pytest.fixture
def project(tmp_path, monkeypatch) -> builders.Project:
    """A project folder with two tiny datasets, entered."""
    monkeypatch.chdir(tmp_path)
    return builders.Project(tmp_path)
