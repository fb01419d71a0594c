"""A project of one's own: what it holds, that it is sound, and later versions in it."""

import os
import re
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from pipeline.core.errors import PipelineError
from pipeline.core.params import read_yaml
from pipeline.project import new_project, own_project
from tests.support.dvc_project import git
from tests.support.repository import Copy, commit

NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "user.useConfigOnly",
    "GIT_CONFIG_VALUE_0": "true",
}
GONE = re.compile('cifar|fashion_mnist|demo_png|benchmarks", ')
"""Text that names what is left out."""
SOMEBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "x", "EMAIL": "x@localhost"}.items()
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Enter a clone of the pipeline, committed as it is now."""
    copy = Copy(tmp_path / "clone")
    commit(copy.folder)
    monkeypatch.chdir(copy.folder)
    for name, value in SOMEBODY.items():
        monkeypatch.setenv(name, value)
    return copy.folder


def in_(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_it_is_sound_and_takes_a_later_version(checkout, tmp_path):
    """Its own changes stay, those of the pipeline arrive, and what was left out stays away."""
    own = tmp_path / "pets"
    assert new_project.create(own).startswith(f"{own}: a project of your own, with one commit")
    assert in_(own, "git", "status", "--porcelain") == ""
    assert in_(own, "git", "rev-list", "--all", "--count") == "1"
    names = set(in_(own, "git", "ls-files").splitlines())
    assert not [name for name in names if re.match(r"tests/|metrics/|ablation/|dvc.lock", name)]
    assert {"dvc.yaml", "docs/own-data.md", "networks/cnn.py", ".dvc/config"} <= names
    assert (own / "README.md").read_text().startswith("# pets\n")
    params = read_yaml(own / "params.yaml")
    assert [list(params[key]) for key in ("datasets", "runs")] == [["demo_idx"]] * 2
    named = ".gitignore", ".github/workflows", "Makefile", "dvc.yaml", "gate.yaml", "pyproject.toml"
    for name in named:
        searched = [path for path in (own / name, *(own / name).glob("*")) if path.is_file()]
        assert searched
        assert not [path for path in searched if GONE.search(path.read_text())]
    python = sys.executable, "-m"
    assert "1 dataset and 1 run are valid" in in_(own, *python, "pipeline", "check")
    assert in_(own, *python, "pipeline", "verify") == "all that is here agrees"
    in_(own, *python, "dvc", "stage", "list", "--name-only")
    assert not new_project.update(own)

    (own / "README.md").write_text("# Mine\n")
    (own / "networks/mine.py").write_text("")
    text = (own / "params.yaml").read_text()
    (own / "params.yaml").write_text(text.replace("    train: {track_test: true}", "    train: {}"))
    commit(own, "my own")
    (checkout / "README.md").write_text("# The pipeline\n")
    (checkout / "networks/new.py").write_text("")
    (checkout / "metrics/new.json").write_text("{}")
    text = (checkout / "params.yaml").read_text()
    (checkout / "params.yaml").write_text(text.replace("    dpi: 120", "    dpi: 130"))
    commit(checkout, "a later version")
    git("-C", str(own), "branch", "-D", "pipeline")  # as in a clone of the project
    assert new_project.update(own)
    git("-C", str(own), "merge", "-q", "--no-edit", "pipeline")
    assert (own / "README.md").read_text() == "# Mine\n"
    assert (own / "networks/mine.py").exists()
    assert (own / "networks/new.py").exists()
    assert not (own / "metrics").exists()
    params = read_yaml(own / "params.yaml")
    assert params["runs"]["demo_idx"]["train"] == {}
    assert params["defaults"]["report"]["dpi"] == 130
    assert not new_project.update(own)
    with pytest.raises(PipelineError, match="is within the pipeline's own folder"):
        new_project.create(Path("inside"))
    with pytest.raises(PipelineError, match="is not empty; choose another place, or take this ver"):
        new_project.create(own)
    with chdir(own), pytest.raises(PipelineError, match="this is a project of one's own; run this"):
        new_project.create(tmp_path / "third")
    git("-C", str(own), "commit", "-q", "--allow-empty", "-m", "other")
    git("-C", str(own), "branch", "-q", "-f", "pipeline", "HEAD")
    with pytest.raises(PipelineError, match="is not the pipeline's last version there; rename it"):
        new_project.update(own)


def test_where_it_cannot_be_made_nothing_is_made(tmp_path, monkeypatch):
    own = tmp_path / "own"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match="this folder is not the pipeline's; run this in a cl"):
        new_project.create(own)
    Path("pipeline/project").mkdir(parents=True)
    for name in ("pipeline/project/new_project.py", "dvc.yaml"):
        Path(name).touch()
    with pytest.raises(PipelineError, match="this folder is no Git repository; run this in"):
        new_project.create(own)
    assert not own.exists()


@pytest.mark.slow
def test_git_must_know_who_commits(checkout, tmp_path, monkeypatch):
    for name in SOMEBODY:
        monkeypatch.delenv(name)
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(own_project, "strip", lambda folder: None)
    with pytest.raises(PipelineError, match="Git does not know who you are"):
        new_project.create(tmp_path / "own")
    assert not (tmp_path / "own").exists()
    with pytest.raises(PipelineError, match="is no Git repository; name the project's folder"):
        new_project.update(tmp_path / "own")
    git("init", "-q", str(tmp_path / "own"))
    with pytest.raises(PipelineError, match="has no commit of the pipeline; later versions"):
        new_project.update(tmp_path / "own")
