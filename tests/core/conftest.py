"""Fixtures of the tests of files."""

import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project's folder, entered, beside a folder of somebody's own, ``mine``."""
    (tmp_path / "project").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("my own")
    monkeypatch.chdir(tmp_path / "project")
    yield tmp_path / "project"
    found = {path.name: path.read_text() for path in (tmp_path / "mine").iterdir()}
    assert found == {"thesis.txt": "my own"}, "a file outside the project was touched"
