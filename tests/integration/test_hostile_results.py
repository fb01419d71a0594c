"""Files that stages read back, tampered with: each ends in one line that names the file."""

import re
import shutil

import pytest

from pipeline.core.errors import PipelineError, explain
from tests.support import reports
from tests.support.hostile.results import CHANGES


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Everything that a report is made from."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        reports.make()
    return folder


@pytest.fixture
def made(whole, tmp_path, monkeypatch):
    """Enter a copy of it."""
    monkeypatch.chdir(shutil.copytree(whole, tmp_path / "made"))


def test_what_was_not_changed_is_read(made):
    assert len(reports.results().gallery.predictions.ids) == 30


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_one_line_that_names_the_file(made, name):
    path, content, ends = CHANGES[name]
    path.write_bytes(content(path.read_bytes()))
    with pytest.raises(PipelineError) as raised:
        reports.results()
    line = explain(raised.value)
    assert re.search(ends, line), line
    assert str(path) in line or "the predictions are not of" in line
    assert line.isprintable()
    assert len(line) < 700
