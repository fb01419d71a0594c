from pathlib import Path

import pytest

from tests.support.study import STUDY, evaluate, write


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study in ``study/``, all of whose runs are evaluated but late_0."""
    monkeypatch.chdir(tmp_path)
    Path("study").mkdir()
    write(STUDY)
    for number, run in enumerate(list(STUDY["runs"])[:4]):
        evaluate(f"study/{run}", number)
    return "study"
