"""Projects of Git and DVC, as working directories."""

import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.support.dvc_project import ITS_FILES, ONE_STAGE, TWO_STAGES, build


@pytest.fixture(scope="session")
def two_stages(tmp_path_factory):
    """Return Git's root of a project of two stages, for copies."""
    return build(tmp_path_factory.mktemp("two_stages"), TWO_STAGES)


@pytest.fixture(scope="session")
def one_stage(tmp_path_factory):
    """Return Git's root of a project of one stage, for copies."""
    return build(tmp_path_factory.mktemp("one_stage"), ONE_STAGE, **ITS_FILES)


@pytest.fixture
def reproduced(two_stages, tmp_path, monkeypatch):
    """Enter a project of two stages."""
    shutil.copytree(two_stages, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")


@pytest.fixture
def recorded(one_stage, tmp_path, monkeypatch):
    """Enter a project of one stage with all kinds of dependencies and outputs."""
    shutil.copytree(one_stage, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")


@pytest.fixture
def store(recorded, tmp_path):
    """The same, with another file in its folder; the folder that is its default remote, empty."""
    Path("many/b").chmod(0o644)
    Path("many/b").write_text("another\n")
    with Repo(".") as project:
        project.commit(force=True)
        with project.config.edit() as config:
            config["remote"]["store"] = {"url": str(tmp_path / "store")}
            config["core"]["remote"] = "store"
    return tmp_path / "store"
