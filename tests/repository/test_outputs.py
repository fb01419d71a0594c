"""Outputs of a revision, from DVC's cache."""

import shutil
from pathlib import Path

import pytest

from pipeline.core.errors import PipelineError
from pipeline.repository.outputs import Outputs, doubt
from tests.support.dvc_project import ITS_FILES, ONE_STAGE, build, git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Enter a project that was run and committed, then changed and run again."""
    from dvc.repo import Repo

    build(tmp_path, ONE_STAGE, **ITS_FILES)
    monkeypatch.chdir(tmp_path / "project")
    Path("given").write_text('{"number": 2}\n')
    with Repo(".") as repo:
        repo.reproduce()
    git("add", ".")
    git("commit", "-qm", "again")
    return tmp_path


def test_each_revisions_files_and_folders_are_linked(project):
    for revision, number in (("HEAD~1", 1), ("HEAD", 2), ("", 2)):
        outputs = Outputs(revision)
        folder = outputs.link(Path("many"), project / f"at{revision}")
        alone = outputs.link(Path("alone"), project / f"at{revision}")
        assert {path.name for path in folder.iterdir()} == {"a", "b"}
        expected = f'{{"number": {number}}}\n'
        assert [path.read_text() for path in (folder / "a", alone)] == [expected] * 2
        assert "small.json" in str(outputs.stages)


@pytest.mark.parametrize(
    ("revision", "advice"),
    [
        ("HEAD~1", "many of HEAD~1 is not in DVC's cache; run dvc fetch --all-commits many"),
        ("", "many is not in DVC's cache; run dvc fetch many"),
    ],
)
def test_what_is_not_in_the_cache_is_to_be_fetched(project, revision, advice):
    shutil.rmtree(".dvc/cache")
    with pytest.raises(PipelineError) as caught:
        Outputs(revision).link(Path("many"), project / "x")
    assert str(caught.value) == advice


def test_what_is_not_recorded_is_named(project):
    with pytest.raises(PipelineError, match="there is no Git revision nothing"):
        Outputs("nothing")
    with pytest.raises(PipelineError, match=r"dvc\.lock of HEAD records no few; it was not"):
        Outputs("HEAD").link(Path("few"), project / "x")
    Path("dvc.lock").unlink()
    with pytest.raises(PipelineError, match=r"dvc\.lock records no many; run dvc repro"):
        Outputs().link(Path("many"), project / "x")


def test_another_version_than_is_recorded_is_told(project, monkeypatch):
    many = Path("many")
    assert doubt(many, "make") == doubt(Path("few"), "make") == ""
    line = (
        "many is not what dvc.lock records; fetch that (python -m pipeline pull make), or make it "
        "(dvc repro make)"
    )
    git("checkout", "-q", "HEAD~1", "--", "dvc.lock")
    assert doubt(many, "make") == line
    git("checkout", "-q", "HEAD", "--", "dvc.lock")
    Path("many/.DS_Store").write_text("")
    assert doubt(many, "make") == line
    Path(".dvcignore").write_text(".DS_Store\n")
    assert doubt(many, "make") == doubt(Path("given"), "make") == ""  # which no stage writes
    Path("many/a").unlink()
    assert doubt(many, "make") == line
    Path("dvc.lock").write_text("<<<<<<<\n")
    assert doubt(many, "make") == ""
    monkeypatch.chdir(many)
    assert doubt(Path("b"), "make") == ""
