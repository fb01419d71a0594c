"""Names in ``params.yaml`` that are something else to a shell, given to DVC itself."""

import json

import pytest

from tests.support.graph_project import DvcProject

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["x; touch PWNED; #", "x'$(touch PWNED)\"", "x\ntouch PWNED\n"])
def test_a_name_is_no_command(tmp_path, name):
    project = DvcProject(tmp_path)
    params = project.folder / "params.yaml"
    empty = "download: {files: []}, extract: {}, decode: {}, split: {}"
    entry = f"datasets:\n  {json.dumps(name)}: {{kind: idx, {empty}}}\n"
    params.write_text(params.read_text().replace("datasets:\n", entry, 1))
    done = project.repro("--single-item", f"download@{name}")
    assert done.returncode
    assert f"{name!r} is no name of a dataset\n" in done.stdout
    assert not list(project.folder.glob("**/*PWNED"))
