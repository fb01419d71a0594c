"""What the hooks do in a clone that has only a part of the data."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.commands.repository import hook
from pipeline.repository.hooks import work
from tests.support.builders import ROOT
from tests.support.dvc_project import ITS_FILES, ONE_STAGE, git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC
SECOND = {"given": '{"number": 2}\n'}


def rerun(**texts):
    """Change files, run the stage and commit all."""
    for name, text in texts.items():
        Path(name).write_text(text)
    with Repo(".") as project:
        project.reproduce()
    git("add", ".")
    git("commit", "-qm", "again")


def test_what_the_cache_has_is_put_here_and_what_it_lacks_is_named(recorded):
    rerun(**SECOND)
    git("checkout", "-q", "HEAD~1", "--", "dvc.lock")
    assert work.put_here() == "2 outputs put here, of the cache"
    assert Path("alone").read_text() == ITS_FILES["given"]
    assert work.put_here() == ""
    git("checkout", "-q", "HEAD", "--", "dvc.lock")
    shutil.rmtree(".dvc/cache")
    Path("alone").unlink()
    assert work.put_here() == "not of this revision, until python -m pipeline pull: many"


def test_what_was_never_saved_stays(recorded):
    rerun(**SECOND)
    git("checkout", "-q", "HEAD~1", "--", "dvc.lock")
    Path("alone").chmod(0o644)
    Path("alone").write_text("mine")
    assert work.put_here() == (
        "1 outputs put here, of the cache; changed here, and left so (dvc checkout --force): alone"
    )
    assert Path("alone").read_text() == "mine"


def test_what_is_not_as_recorded_is_one_line(recorded):
    assert work.doubts() == ""
    Path("given").write_text("{}")
    assert work.doubts() == "make: dependencies are not as recorded (given); run dvc repro"
    Path("params.yaml").write_text("depth: 4\n")
    assert work.doubts() == (
        "make: parameters are not as recorded (depth); run dvc repro; and 1 more: "
        "python -m pipeline verify"
    )


def test_what_is_here_is_pushed_where_there_is_a_remote(store):
    assert work.push() == "store: 3 new objects pushed, of 2 outputs"
    with Repo(".") as project, project.config.edit() as config:
        del config["core"]["remote"]
    assert work.push() == ""


@pytest.mark.slow
@pytest.mark.parametrize("through", ["git", "pre-commit"])
def test_git_runs_them(tmp_path, monkeypatch, through):
    monkeypatch.chdir(tmp_path)
    places = [f"{Path(sys.executable).parent}", os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(places))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}")
    git("init", "-q", "-b", "main")
    Repo.init(".").close()
    for name, text in ({"dvc.yaml": ONE_STAGE} | ITS_FILES).items():
        Path(name).write_text(text)
    with Repo(".") as project, project.config.edit() as config:
        config["remote"]["store"] = {"url": f"{tmp_path / 'store'}"}
        config["core"]["remote"] = "store"
    Path(".gitignore").write_text("/store\n/bare\n")
    git("init", "-q", "--bare", "bare")
    rerun()
    if through == "git":
        git("config", "core.hooksPath", f"{ROOT / '.githooks'}")
        assert {path.name for path in (ROOT / ".githooks").iterdir()} == set(hook.HOOKS)
    else:
        # Without the tools that look at code.
        shutil.copy(ROOT / ".pre-commit-config.yaml", ".")
        monkeypatch.setenv("SKIP", "ruff,ruff-format,mypy,imports,parameters")
        git("add", ".pre-commit-config.yaml")
        git("commit", "-qm", "hooks")
        shown("pre-commit", "install")
    as_nobody = ("git", "-c", "user.name=x", "-c", "user.email=x")
    assert "outputs" not in shown("git", "checkout", "-b", "side")
    Path("given").write_text(SECOND["given"])
    Path("params.yaml").write_text("depth: 4\nother: 4\n")
    assert "run dvc repro" in shown(*as_nobody, "commit", "-am", "changed")
    with Repo(".") as project:
        project.reproduce()
    assert "run dvc repro" not in shown(*as_nobody, "commit", "-am", "again")
    assert "store: 2 new objects pushed" in shown("git", "push", "bare", "side")
    assert "2 outputs put here" in shown("git", "checkout", "main")
    assert Path("alone").read_text() == ITS_FILES["given"]
    assert "2 outputs put here" in shown("git", "merge", "side")
    assert Path("alone").read_text() == SECOND["given"]


def shown(*command):
    """Run a command, which must succeed; return all that it wrote."""
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
