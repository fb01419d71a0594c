"""The corpus of hostile inputs: each ends as documented, within limits of time and memory."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support import hostile
from tests.support.builders import ROOT, Project

pytestmark = pytest.mark.slow

MOST_MEMORY = 1_000_000
"""In kB."""
LONGEST = 30
"""In seconds."""
OUTPUTS = {
    "download": ("data/raw", "data/locks"),
    "extract": ("data/extracted", "data/locks"),
    "decode": ("data/shards", "data/locks"),
    "split": ("data/splits", "metrics/datasets", "data/locks"),
    "check": (),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project whose archive was extracted and decoded."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        project = Project(folder)
    for stage in "extract", "decode":
        assert project.run(stage, "tiny_png").returncode == 0
    return project


@pytest.fixture
def project(prepared, tmp_path):
    """A copy of it, with nothing beside it."""
    folder = shutil.copytree(prepared.folder, tmp_path / "around" / "project")
    return prepared.copy(folder)


@pytest.fixture(scope="module")
def zygote():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.zygote"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PIPELINE_WORKERS": "2"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.stdin.close()
    process.stdout.close()
    process.wait()


def tree(folder):
    """Return size and time of every file in a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir()
    }


def run(zygote, project, stage, dataset):
    """Run a stage; return its exit status, its standard error and its memory's peak in kB."""
    said = project.folder.parent / "said"
    call = {
        "folder": str(project.folder),
        "module": "pipeline" if stage == "check" else f"stages.{stage}",
        "arguments": ["check"] if stage == "check" else [dataset],
        "said": str(said),
        "seconds": LONGEST,
    }
    zygote.stdin.write(json.dumps(call) + "\n")
    zygote.stdin.flush()
    answer = json.loads(zygote.stdout.readline())
    return answer["status"], said.read_text(), answer["memory"]


def test_the_corpus_is_large():
    assert len(hostile.INPUTS) >= 60


@pytest.mark.parametrize("name", hostile.INPUTS)
def test_a_hostile_input_ends_as_documented(project, zygote, name):
    stage, dataset, put, ends = hostile.INPUTS[name]
    put(project)
    around = project.folder.parent
    before = tree(around)
    status, said, memory = run(zygote, project, stage, dataset)
    after = tree(around)
    lines = [line for line in said.splitlines() if not line.startswith("libpng ")]
    if ends is None:
        assert (status, lines) == (0, [])
    else:
        assert status == 1, said
        assert len(lines) == 1, said
        assert re.search(ends, lines[0]), said
        assert lines[0].isprintable()
    assert memory < MOST_MEMORY
    own = tuple(f"{project.folder.name}/{folder}/" for folder in OUTPUTS[stage])
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert [path for path in changed if not path.startswith((*own, "said"))] == []
    assert not [path for path in after if ".incomplete" in path]
