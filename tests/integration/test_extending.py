"""The examples of docs/extending.md, put into a copy of the project as a reader would."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.builders import ROOT

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
STEP = re.compile(
    r"^New file `(?P<new>[^`]+)`:$|^In `(?P<old>[^`]+)`:$|^(?P<try>Try it)\b"
    r"|^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.M | re.S,
)
COPIED = (
    "pipeline",
    "stages",
    "tests",
    "params.yaml",
    "libraries.yaml",
    "pyproject.toml",
    "metrics",
)


def changed(text: str, diff: str) -> str:
    """Return a file's text with one hunk applied, which fits at exactly one place."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
    new = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
    assert text.count(old) == 1, old
    return text.replace(old, new)


def copy(folder: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS)
def test_the_example_does_what_the_page_says(section, tmp_path):
    folder = copy(tmp_path)
    new: Path | None = None
    old: Path | None = None
    tries = 0
    touched: set[Path] = set()
    for step in STEP.finditer(SECTIONS[section]):
        code = step["code"]
        if step["new"]:
            new, old = folder / step["new"], None
        elif step["old"]:
            new, old = None, folder / step["old"]
        elif step["try"]:
            new = old = None
        elif new:
            assert not new.exists()
            new.write_text(code, encoding="utf-8")
            touched.add(new)
            new = None
        elif old:
            assert step["language"] == "diff"
            old.write_text(changed(old.read_text(encoding="utf-8"), code), encoding="utf-8")
            touched.add(old)
        elif step["language"] == "sh":
            for line in code.splitlines():
                run(folder, *line.replace("python", sys.executable, 1).split())
                tries += 1
        else:
            run(folder, sys.executable, "-c", code)
            tries += 1
    assert tries
    assert touched
    ruff = str(Path(sys.executable).with_name("ruff"))
    modules = [str(path.relative_to(folder)) for path in touched if path.suffix == ".py"]
    run(folder, ruff, "check", "--no-cache", *modules)
    run(folder, ruff, "format", "--no-cache", "--check", *modules)
