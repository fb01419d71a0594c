"""What no branch needs: two clones, a bare Git repository, and a folder as DVC's remote."""

import shutil
import subprocess
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository.unused import objects
from tests.support.dvc_project import git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


@pytest.fixture
def team(one_stage, tmp_path, monkeypatch):
    """Two clones' DVC projects, ``ann`` and ``ben``, whose data are pushed; enter Ann's."""
    hub, store = tmp_path / "hub.git", tmp_path / "store"
    first = shutil.copytree(one_stage, tmp_path / "first")
    with chdir(first / "project"), Repo(".") as project:
        with project.config.edit("repo") as config:
            config["remote"]["store"] = {"url": str(store)}
            config["core"]["remote"] = "store"
        git("commit", "-qam", "a remote")
        project.push()
    git("clone", "-q", "--bare", str(first), str(hub))
    for name in "ann", "ben":
        git("clone", "-q", str(hub), str(tmp_path / name))
        with chdir(tmp_path / name / "project"), Repo(".") as project:
            project.pull()
    monkeypatch.chdir(tmp_path / "ann/project")
    return tmp_path


def push_branch(team, content="2\n"):
    """Let Ben push a branch with other data; return the remote's new objects."""
    before = stored(team)
    with chdir(team / "ben/project"):
        git("switch", "-qc", "bens")
        Path("given").write_text(content)
        with Repo(".") as project:
            project.reproduce()
            project.push()
        git("commit", "-qam", "another")
        git("push", "-q", "origin", "bens")
    return stored(team) - before


def stored(team):
    return {path for path in (team / "store/files").rglob("*") if path.is_file()}


def references(folder):
    listed = subprocess.check_output(["git", "for-each-ref"], cwd=folder, text=True)
    return {line for line in listed.splitlines() if "refs/unused/" not in line}


def test_a_branch_that_only_a_colleague_has_keeps_its_data(team):
    push_branch(team)
    before, own = stored(team), references(team / "ann")
    with Repo(".") as project:  # what DVC would remove
        project.gc(workspace=True, all_branches=True, all_tags=True, cloud=True, dry=True)
    found = objects.find("", days=0)
    assert found.objects == {}
    assert found.describe().endswith("nothing is unused; 4 objects stay")
    objects.remove(found, "")
    assert stored(team) == before
    assert references(team / "ann") == own


def test_data_of_a_branch_that_is_gone_is_listed_and_removed(team):
    theirs = push_branch(team)
    with chdir(team / "ben/project"):
        git("tag", "kept")
        git("push", "-q", "origin", "kept", ":bens")
    assert objects.find("", days=0).objects == {}
    with chdir(team / "ben/project"):
        git("push", "-q", "origin", ":kept")
    assert objects.find("", days=7).objects == {}
    later = datetime.now(UTC) + timedelta(days=8)
    found = objects.find("", days=7, now=later)
    assert {one.path for one in found.objects.values()} == {str(path) for path in theirs}
    size = sum(path.stat().st_size for path in theirs)
    assert sum(one.bytes for one in found.objects.values()) == size
    assert "2 objects of       0.0 MB would go, 2 stay" in found.describe()
    objects.remove(found, "")
    assert not stored(team) & theirs
    with chdir(team / "ann/project"), Repo(".") as project:
        shutil.rmtree(".dvc/cache")
        assert project.pull()["stats"]["fetched"]


def test_what_a_server_kept_without_an_error_is_told(team, monkeypatch):
    """As S3 does, whose answer to the removal of many objects names those that were refused."""
    theirs = push_branch(team)
    git("-C", str(team / "ben/project"), "push", "-q", "origin", "--delete", "bens")
    found = objects.find("", days=0)
    assert len(found.objects) == len(theirs)
    with monkeypatch.context() as patch:
        patch.setattr("dvc_objects.fs.local.LocalFileSystem.remove", lambda *_: None)
        with pytest.raises(PipelineError, match=rf"{len(theirs)} of {len(theirs)} .* still there"):
            objects.remove(found, "")
    objects.remove(found, "")
    assert not theirs & stored(team)


def test_another_clone_keeps_what_it_has_not_committed(team):
    with chdir(team / "ben/project"):
        Path("given").write_text("3\n")
        with Repo(".") as project:
            project.reproduce()
            project.push()
    assert len(objects.find("", days=0).objects) == 2
    assert objects.find("", days=0, projects=[team / "ben"]).objects == {}


def test_names_of_what_was_committed_once(team):
    for number in "4", "6", "7", "6":
        Path("given").write_text(number)
        with Repo(".") as project:
            project.reproduce()
        if number != "7":
            git("commit", "-qam", number, "--allow-empty")
    described = objects.find(None, days=0).describe().splitlines()
    assert [line.split("  ")[1] for line in described[1:-1]] == [
        "alone, given, many, small.json",
        "many",
        objects.UNNAMED,
    ]


def test_nothing_is_removed_where_branches_are_unknown(team):
    git("remote", "set-url", "origin", str(team / "nowhere"))
    with pytest.raises(PipelineError, match=r"git fetch origin fails .*would lose their data"):
        objects.find("", days=0)
