"""The opened repository: DVC's errors are one line of ours."""

from pathlib import Path

import pytest

from pipeline.core.errors import PipelineError
from pipeline.repository.dvc import opened

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


def read():
    with opened() as repo:
        return len(repo.index.stages)


def test_a_whole_repository_is_read(reproduced):
    assert read() == 2


@pytest.mark.parametrize("length", [3, 12, 75, 150])
def test_a_lock_that_was_cut_short_names_its_remedy(reproduced, length):
    lock = Path("dvc.lock")
    lock.write_bytes(lock.read_bytes()[:length])
    with pytest.raises(PipelineError) as caught:
        read()
    remedy = "run: make repair, or git checkout dvc.lock"
    assert str(caught.value) == f"dvc.lock was cut short, or edited; {remedy}"


def test_a_lock_in_conflict_names_its_remedy(reproduced):
    lock = Path("dvc.lock")
    lock.write_text(f"<<<<<<< HEAD\n{lock.read_text()}")
    with pytest.raises(PipelineError, match=r"^dvc\.lock is in conflict; run: make resolve-lock$"):
        read()


def test_other_errors_are_dvcs_words_on_one_line(reproduced, tmp_path, monkeypatch):
    Path("dvc.yaml").write_text("stages: 1\n")
    with pytest.raises(PipelineError, match=r"^DVC: .*dvc\.yaml' validation failed"):
        read()
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(PipelineError, match=r"^DVC: you are not inside of a DVC repository.*"):
        read()
