"""Small projects of Git and DVC, run and committed."""

import subprocess
from contextlib import chdir
from pathlib import Path

from dvc.repo import Repo

TWO_STAGES = """
stages:
  first: {cmd: echo 1 > one, outs: [one]}
  second: {cmd: cp one two, deps: [one], outs: [two]}
"""
ONE_STAGE = """
stages:
  make:
    cmd: mkdir many; for name in many/a many/b alone small.json; do cp given $name; done
    deps: [given, script.py]
    params: [depth]
    outs: [many, alone]
    metrics: [small.json: {cache: false}]
"""
"""A stage with all kinds of dependencies and outputs."""
ITS_FILES = {
    "given": '{"number": 1}\n',
    "script.py": "print()\n",
    "params.yaml": "depth: 3\nother: 4\n",
}


def git(*command: str) -> None:
    """Run Git, which must succeed."""
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *command], check=True)


def build(root: Path, graph: str, **files: str) -> Path:
    """Make a project in the subfolder ``project`` of Git's ``root``; run it and commit all."""
    folder = root / "project"
    folder.mkdir()
    with chdir(folder):
        git("init", "-q", str(root))
        Repo.init(".", subdir=True).close()
        for name, text in ({"dvc.yaml": graph} | files).items():
            Path(name).write_text(text)
        with Repo(".") as project:
            project.reproduce()
        git("add", ".")
        git("commit", "-qm", "all")
    return root
