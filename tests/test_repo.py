"""The rest of ``repo`` is tested end to end, in test_repro.py."""

import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline import repo
from pipeline.errors import PipelineError

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC

GRAPH = """
stages:
  first: {cmd: echo 1 > one, outs: [one]}
  second: {cmd: cp one two, deps: [one], outs: [two]}
"""


def git(*command):
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *command], check=True)


@pytest.fixture
def reproduced(tmp_path, monkeypatch):
    """A repository of two stages, run and committed; a subfolder of Git's, entered."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q", str(tmp_path))
    Repo.init(".", subdir=True).close()
    Path("dvc.yaml").write_text(GRAPH)
    with Repo(".") as project:
        project.reproduce()
    git("add", ".")
    git("commit", "-qm", "all")
    return folder


def test_a_whole_lock_is_left_alone(reproduced):
    before = Path("dvc.lock").stat().st_mtime_ns
    assert repo.repair() == []
    assert Path("dvc.lock").stat().st_mtime_ns == before


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.95])
def test_a_lock_that_was_cut_short_is_filled_from_git(reproduced, share):
    lock = Path("dvc.lock")
    whole = lock.read_bytes()
    lock.write_bytes(whole[: int(share * len(whole))])
    (mended,) = repo.repair()
    assert "dvc.lock was cut short; from Git's last commit came" in mended
    assert lock.read_bytes() == whole
    assert repo.repair() == []


def test_what_was_run_since_the_commit_is_kept(reproduced):
    graph = Path("dvc.yaml")
    graph.write_text(GRAPH.replace("echo 1", "echo 3"))
    with Repo(".") as project:
        project.reproduce(targets=["first"])
    lock = Path("dvc.lock")
    whole = lock.read_text()
    lock.write_text(whole[: whole.index("  second:") + 30])
    repo.repair()
    assert lock.read_text() == whole
    with Repo(".") as project:
        assert [stage.name for stage in project.reproduce()] == ["second"]


def test_without_a_commit_there_is_nothing_to_take(reproduced):
    subprocess.run(["rm", "-rf", "../.git"], check=True)
    git("init", "-q", "..")
    assert repo.repair() == []
    Path("dvc.lock").write_text("schem")
    assert repo.repair() == ["dvc.lock was cut short; from Git's last commit came nothing"]
    with Repo(".") as project:
        assert len(project.reproduce()) == 2


def test_a_list_of_locks_that_was_cut_short_is_removed(reproduced):
    path = Path(".dvc/tmp/rwlock")
    path.write_text('{"write": {"/a/')
    assert repo.repair() == [f"{path} was cut short, and removed"]
    assert not path.exists()


def test_nothing_is_touched_while_dvc_is_at_work(reproduced):
    with Repo(".") as project, project.lock, pytest.raises(PipelineError, match=r"DVC: .*lock"):
        repo.repair()
