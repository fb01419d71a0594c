"""The opened repository: DVC's errors are one line of ours."""

from contextlib import chdir
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository import dvc
from pipeline.repository.dvc import opened, place
from pipeline.repository.lock_check import faults

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


STUDY = """
stages:
  third: {cmd: cat main/two > three, deps: [main/two, main/code], outs: [three]}
"""


def test_a_study_stands_among_the_projects_own_stages(reproduced):
    """DVC itself leaves it out; what it reads by its links is what the project's stages make."""
    Path("code/__pycache__").mkdir(parents=True)
    Path("code/one.py").write_text("1")
    Path(".dvcignore").write_text("__pycache__/\n")
    Path("study/main").mkdir(parents=True)
    for name in "two", "code":
        Path("study/main", name).symlink_to(f"../../{name}")
    with chdir("study"):
        Repo.init(".", subdir=True).close()
        Path(".dvcignore").unlink()
        Path(".dvcignore").symlink_to("../.dvcignore")
        Path("dvc.yaml").write_text(STUDY)
        with Repo(".") as study:
            study.reproduce()
            Path("../code/__pycache__/one.pyc").write_text("1")
            assert study.status() == {}
            Path("../code/one.py").write_text("2")
        with Repo(".") as study:
            assert list(study.status()) == ["third"]
    Path("code/one.py").write_text("1")
    with Repo(".") as alone:
        assert {stage.name for stage in alone.index.stages} == {"first", "second"}
    with opened() as repo:
        stages = {stage.addressing: stage for stage in repo.index.stages}
        assert set(stages) == {"first", "second", "study/dvc.yaml:third"}
        third = stages["study/dvc.yaml:third"]
        assert list(repo.index.graph.successors(third)) == [stages["second"]]
        assert place(third, "three") == str(Path("study/three").absolute())
        assert place(third, "main/two") == str(Path("two").absolute())
        Path("study/code").symlink_to("../code")  # as where its stages are the project's own
        assert place(third, "code/one.py") == str(Path("code/one.py").absolute())
    assert list(faults()) == []
    Path("study/three").write_text("4")
    assert list(faults()) == [
        "study/dvc.yaml:third: study/three is not what was recorded; run dvc --cd study repro "
        "--force third"
    ]


def test_other_errors_are_dvcs_words_on_one_line(reproduced, tmp_path, monkeypatch):
    Path("dvc.yaml").write_text("stages: 1\n")
    with pytest.raises(PipelineError, match=r"^DVC: .*dvc\.yaml' validation failed"):
        read()
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(PipelineError, match=r"^DVC: you are not inside of a DVC repository.*"):
        read()


def test_a_text_is_parsed_once_and_a_changed_one_again(recorded, monkeypatch):
    parsed = []
    real = dvc.parse_yaml
    monkeypatch.setattr(
        dvc, "parse_yaml", lambda text, *rest: parsed.append(text) or real(text, *rest)
    )
    dvc._parsed.cache_clear()
    assert [*faults(), *faults()] == []
    assert parsed.count(Path("dvc.lock").read_text()) == 1
    before = parsed.count(Path("params.yaml").read_text())
    assert 1 <= before == len([text for text in parsed if "depth: 3" in text and "other" in text])
    Path("params.yaml").write_text("depth: 5\n")
    (fault,) = faults()
    assert fault.startswith("make: parameters are not as recorded (depth)")
