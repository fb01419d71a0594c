"""Git revisions: files of Git and of DVC, and where branches parted."""

import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository import revisions
from tests.support.dvc_project import TWO_STAGES, git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


@pytest.fixture(params=["", "project"], ids=["Git's root", "a subfolder"])
def reproduced(tmp_path, monkeypatch, request):
    """Enter a repository of two stages, run and committed; return its folder."""
    folder = tmp_path / "git" / request.param
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    git("init", "-q", str(tmp_path / "git"))
    Repo.init(".", subdir=bool(request.param)).close()
    Path("dvc.yaml").write_text(TWO_STAGES)
    with Repo(".") as project:
        project.reproduce()
    git("add", ".")
    git("commit", "-qm", "all")
    return folder


def test_a_revision_has_gits_files_and_dvcs(reproduced, tmp_path):
    Path("metrics/runs/a").mkdir(parents=True)
    Path("metrics/runs/a/evaluation.json").write_text("1")
    git("add", ".")
    git("commit", "-qm", "metrics")
    Path("metrics/runs/a/evaluation.json").write_text("2")
    Path("two").unlink()
    head = revisions.Revision("HEAD", tmp_path / "head")
    assert head.find(Path("metrics/runs/a/evaluation.json")).read_text() == "1"
    assert head.find(Path("two")).read_text() == "1\n"  # from DVC's cache
    assert head.find(Path("nothing")) is None
    assert head.names(Path("metrics/runs")) == {"a"}
    assert head.names(Path("nowhere")) == set()
    before = revisions.Revision("HEAD~1", tmp_path / "before")
    assert before.find(Path("metrics/runs/a/evaluation.json")) is None


def test_what_dvc_neither_has_nor_can_get_is_not_found(reproduced, tmp_path):
    subprocess.run(["rm", "-rf", ".dvc/cache", "two"], check=True)
    assert revisions.Revision("HEAD", tmp_path / "head").find(Path("two")) is None
    assert not (tmp_path / "head" / "two").exists()


def test_an_unknown_revision_is_an_error(reproduced, tmp_path):
    with pytest.raises(PipelineError, match=r"there is no Git revision no-such"):
        revisions.Revision("no-such", tmp_path / "x")


def test_merge_base_is_where_the_branch_parted(reproduced):
    def head():
        return subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()

    git("branch", "-M", "main")
    parted = head()
    assert revisions.merge_base() == parted
    git("checkout", "-q", "-b", "other")
    git("commit", "-q", "--allow-empty", "-m", "ours")
    assert revisions.merge_base() == parted
    git("checkout", "-q", "main")
    git("commit", "-q", "--allow-empty", "-m", "theirs")
    theirs = head()
    git("checkout", "-q", "other")
    assert revisions.merge_base() == parted
    git("update-ref", "refs/remotes/origin/main", "other")  # the remote's comes first
    assert revisions.merge_base() == head() != theirs


def test_without_main_or_a_common_commit_there_is_no_merge_base(reproduced):
    git("branch", "-M", "other")
    with pytest.raises(PipelineError, match=r"no branch main; name a revision with --baseline"):
        revisions.merge_base()
    git("checkout", "-q", "--orphan", "main")
    git("commit", "-q", "--allow-empty", "-m", "alone")
    git("checkout", "-q", "-f", "other")
    with pytest.raises(PipelineError, match=r"no commit in common with main; fetch more"):
        revisions.merge_base()


def test_without_git_there_is_one_line(tmp_path, monkeypatch):
    Path(tmp_path, ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match="is not a git repository"):
        revisions.merge_base()


@pytest.mark.parametrize(
    "name", ["HEAD:", "HEAD^{tree}", "HEAD:dvc.yaml", "-x", "\x1b[31m", "x" * 5000]
)
def test_what_is_no_commit_is_refused_in_one_line(reproduced, tmp_path, name):
    with pytest.raises(PipelineError, match="no Git revision") as raised:
        revisions.Revision(name, tmp_path / "x")
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 200


def test_a_path_out_of_the_project_is_refused(reproduced, tmp_path):
    with pytest.raises(PipelineError, match="is not within the project"):
        revisions.Revision("HEAD", tmp_path / "x").find(Path("../one"))
