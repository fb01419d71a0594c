"""Notes of a review: what a person should look at."""

from pathlib import Path

import pytest

from pipeline.verify import review
from tests.support.dvc_project import TWO_STAGES, build, git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC

RECORD = "schema: '2.0'\nstages:\n  train: {cmd: CODE, outs: [{path: m, md5: RESULT}]}\n"


def test_new_results_of_studies_and_other_remotes_are_named(tmp_path, monkeypatch):
    build(tmp_path, TWO_STAGES)
    monkeypatch.chdir(tmp_path / "project")
    Path("study").mkdir()
    notes = []
    for code, result in (("old", "a"), ("new", "a"), ("new", "b")):
        text = RECORD.replace("CODE", code).replace("RESULT", result)
        Path("study/dvc.lock").write_text(text)
        git("add", ".")
        git("commit", "-qm", "a study")
        notes.append(list(review._of_studies("HEAD~1")))
    told = ["unchecked: study/dvc.lock has new results of train"]
    assert notes == [told, [], told]
    assert list(review._judging("HEAD~1")) == []
    with Path(".dvc/config").open("a") as file:
        file.write("[core]\n    remote = elsewhere\n")
    git("commit", "-qam", "a remote")
    assert list(review._judging("HEAD~1")) == [
        "the judging code itself changed, look at it: project/.dvc/config"
    ]
