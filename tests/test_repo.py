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


@pytest.fixture(params=["", "project"], ids=["Git's root", "a subfolder"])
def reproduced(tmp_path, monkeypatch, request):
    """A repository of two stages, run and committed, entered."""
    folder = tmp_path / "git" / request.param
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    git("init", "-q", str(tmp_path / "git"))
    Repo.init(".", subdir=bool(request.param)).close()
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
    git_folder = subprocess.check_output(["git", "rev-parse", "--git-dir"], text=True).strip()
    subprocess.run(["rm", "-rf", git_folder], check=True)
    git("init", "-q", str(Path(git_folder).parent))
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


# Revisions


def test_a_revision_has_gits_files_and_dvcs(reproduced, tmp_path):
    Path("metrics/runs/a").mkdir(parents=True)
    Path("metrics/runs/a/evaluation.json").write_text("1")
    git("add", ".")
    git("commit", "-qm", "metrics")
    Path("metrics/runs/a/evaluation.json").write_text("2")
    Path("two").unlink()
    head = repo.Revision("HEAD", tmp_path / "head")
    assert head.find(Path("metrics/runs/a/evaluation.json")).read_text() == "1"
    assert head.find(Path("two")).read_text() == "1\n"  # from DVC's cache
    assert head.find(Path("nothing")) is None
    assert head.names(Path("metrics/runs")) == {"a"}
    assert head.names(Path("nowhere")) == set()
    before = repo.Revision("HEAD~1", tmp_path / "before")
    assert before.find(Path("metrics/runs/a/evaluation.json")) is None


def test_what_dvc_neither_has_nor_can_get_is_not_found(reproduced, tmp_path):
    subprocess.run(["rm", "-rf", ".dvc/cache", "two"], check=True)
    assert repo.Revision("HEAD", tmp_path / "head").find(Path("two")) is None
    assert not (tmp_path / "head" / "two").exists()


def test_an_unknown_revision_is_an_error(reproduced, tmp_path):
    with pytest.raises(PipelineError, match=r"there is no Git revision no-such"):
        repo.Revision("no-such", tmp_path / "x")


def test_merge_base_is_where_the_branch_parted(reproduced):
    def head():
        return subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()

    git("branch", "-M", "main")
    parted = head()
    assert repo.merge_base() == parted
    git("checkout", "-q", "-b", "other")
    git("commit", "-q", "--allow-empty", "-m", "ours")
    assert repo.merge_base() == parted
    git("checkout", "-q", "main")
    git("commit", "-q", "--allow-empty", "-m", "theirs")
    theirs = head()
    git("checkout", "-q", "other")
    assert repo.merge_base() == parted
    git("update-ref", "refs/remotes/origin/main", "other")  # the remote's comes first
    assert repo.merge_base() == head() != theirs


def test_without_main_or_a_common_commit_there_is_no_merge_base(reproduced):
    git("branch", "-M", "other")
    with pytest.raises(PipelineError, match=r"no branch main; name a revision with --baseline"):
        repo.merge_base()
    git("checkout", "-q", "--orphan", "main")
    git("commit", "-q", "--allow-empty", "-m", "alone")
    git("checkout", "-q", "-f", "other")
    with pytest.raises(PipelineError, match=r"no commit in common with main; fetch more"):
        repo.merge_base()
