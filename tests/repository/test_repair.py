"""Repair of files that were cut short, as after ``kill -9`` or a power cut."""

import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository.repair import repair
from tests.support.dvc_project import TWO_STAGES, build, git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


def test_a_whole_lock_is_left_alone(reproduced):
    before = Path("dvc.lock").stat().st_mtime_ns
    assert repair() == []
    assert Path("dvc.lock").stat().st_mtime_ns == before


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.95])
def test_a_lock_that_was_cut_short_is_filled_from_git(reproduced, share):
    lock = Path("dvc.lock")
    whole = lock.read_bytes()
    lock.write_bytes(whole[: int(share * len(whole))])
    (mended,) = repair()
    assert "dvc.lock was cut short; from Git's last commit came" in mended
    assert lock.read_bytes() == whole
    assert repair() == []


def test_the_lock_of_a_study_is_filled_too(tmp_path):
    with chdir(build(tmp_path, TWO_STAGES) / "project"):
        Path("study").mkdir()
        shutil.copy("dvc.yaml", "study/dvc.yaml")
        shutil.copy("dvc.lock", "study/dvc.lock")
        git("add", "-A")
        git("commit", "-qm", "study")
        whole = Path("study/dvc.lock").read_bytes()
        Path("study/dvc.lock").write_bytes(whole[: len(whole) // 2])
        (mended,) = repair()
        assert "study/dvc.lock was cut short" in mended
        assert Path("study/dvc.lock").read_bytes() == whole


def test_what_was_run_since_the_commit_is_kept(reproduced):
    graph = Path("dvc.yaml")
    graph.write_text(TWO_STAGES.replace("echo 1", "echo 3"))
    with Repo(".") as project:
        project.reproduce(targets=["first"])
    lock = Path("dvc.lock")
    whole = lock.read_text()
    lock.write_text(whole[: whole.index("  second:") + 30])
    repair()
    assert lock.read_text() == whole
    with Repo(".") as project:
        assert [stage.name for stage in project.reproduce()] == ["second"]


def test_without_a_commit_there_is_nothing_to_take(reproduced):
    subprocess.run(["rm", "-rf", "../.git"], check=True)
    git("init", "-q", "..")
    assert repair() == []
    Path("dvc.lock").write_text("schem")
    assert repair() == ["dvc.lock was cut short; from Git's last commit came nothing"]
    with Repo(".") as project:
        assert len(project.reproduce()) == 2


def test_a_list_of_locks_that_was_cut_short_is_removed(reproduced):
    path = Path(".dvc/tmp/rwlock")
    path.write_text('{"write": {"/a/')
    assert repair() == [f"{path} was cut short, and removed"]
    assert not path.exists()


def test_nothing_is_touched_while_dvc_is_at_work(reproduced):
    with Repo(".") as project, project.lock, pytest.raises(PipelineError, match=r"DVC: .*lock"):
        repair()
