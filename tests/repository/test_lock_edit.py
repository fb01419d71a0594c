"""Records of stages that are removed from ``dvc.lock``."""

import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository.lock_edit import forget, recorded
from tests.support.dvc_project import TWO_STAGES, build

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


def test_a_record_goes_and_the_others_stay_to_the_byte(tmp_path, monkeypatch):
    monkeypatch.chdir(build(tmp_path, TWO_STAGES) / "project")
    before = Path("dvc.lock").read_text()
    assert recorded(["second", "third"]) == ["second"]
    forget(["third"])
    assert Path("dvc.lock").read_text() == before
    forget(["second", "third"])
    assert Path("dvc.lock").read_text() == before[: before.index("  second:")]
    with Repo(".") as repo:
        assert set(repo.status()) == {"second"}
    Path("dvc.lock").write_text("stages: [")
    with pytest.raises(PipelineError, match=r"dvc\.lock was cut short|DVC: "):
        recorded(["first"])
    Path("dvc.lock").unlink()
    assert recorded(["first"]) == []
    shutil.rmtree(".dvc")
