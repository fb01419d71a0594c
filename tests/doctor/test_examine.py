"""The doctor's findings, in sound and in broken folders."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import namedtuple
from pathlib import Path

import pytest
from dvc.dvcfile import Lockfile

from pipeline.commands.setup import doctor as command
from pipeline.doctor import examine, hardware
from tests.support.builders import ROOT


def found(check, **arguments):
    (finding,) = check(**arguments)
    return finding


def test_python_is_compared_with_what_is_supported(monkeypatch):
    assert found(examine._python).mark == "OK"
    monkeypatch.setattr(sys, "version_info", (3, 10, 9, "final", 0))
    assert found(examine._python).mark == "problem"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (low, high) = (".".join(map(str, version)) for version in examine.PYTHONS)
    assert project["requires-python"] == f">={low},<{high}"


def test_the_shells_python_is_compared_with_this_one(tmp_path, monkeypatch):
    other = tmp_path / "python"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found(examine._shell).text == "it finds no python, as DVC's stages are started"
    other.write_text("#!/bin/sh\necho /usr\n")
    other.chmod(0o755)
    note = found(examine._shell)
    assert note == ("note", "shell", f"DVC's stages would get {other}", examine.ACTIVATE)
    other.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    assert found(examine._shell).mark == "OK"


def test_libraries_are_compared_with_the_lock(tmp_path):
    assert found(examine._locked, lock=ROOT / "requirements.lock").mark == "OK"
    lock = tmp_path / "requirements.lock"
    assert found(examine._locked, lock=lock).mark == "problem"
    lock.write_text(
        "tqdm==0.1 \\\n    --hash=sha256:0\nonly-elsewhere==1 ; sys_platform == 'x' \\\n"
    )
    other = found(examine._locked, lock=lock)
    assert (other.mark, other.remedy) == ("note", "run: make setup")
    assert re.search(r"tqdm is [\d.]+, not 0\.1$", other.text)
    lock.write_text("numpy==0.1 \\\n")
    assert found(examine._locked, lock=lock).mark == "problem"


def test_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert "not a git repository" in found(examine._git).text
    subprocess.run(["git", "init", "-q"], check=True)
    assert found(examine._git).mark == "OK"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found(examine._git).text == "it is not installed"


def test_little_memory_and_disk_are_noted(monkeypatch):
    usage = namedtuple("usage", "total used free")
    for free, mark in ((10**10, "OK"), (10**9, "note")):
        monkeypatch.setattr(hardware, "memory", lambda free=free: (10**11, free))
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(0, 0, free))
        assert found(examine._memory).mark == found(examine._disk).mark == mark


@pytest.fixture
def repository(project):
    """Return the project, as a repository of Git and DVC."""
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    return project


@pytest.mark.slow
def test_the_caches_links_and_the_remote(repository, tmp_path_factory):
    def dvc(*arguments):
        subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True, capture_output=True)

    before = sorted(path.name for path in repository.folder.iterdir())
    dvc("config", "cache.type", "copy")
    note = found(examine._cache)
    assert note.text.endswith(".dvc/cache/files/md5, from which files come by copy")
    assert (note.mark, "cache.type" in note.remedy) == ("note", True)
    dvc("config", "cache.type", "hardlink,copy")
    assert found(examine._cache)[::3] == ("OK", "")
    assert found(examine._remote).mark == "note"
    store = tmp_path_factory.mktemp("store")
    dvc("remote", "add", "-d", "store", str(store))
    assert found(examine._remote).mark == "OK"
    dvc("remote", "modify", "store", "url", "ssh://127.0.0.1:1/nothing")
    problem = found(examine._remote)
    assert (problem.mark, "store (ssh://127.0.0.1:1/nothing)" in problem.text) == ("problem", True)
    assert sorted(path.name for path in repository.folder.iterdir()) == before


def test_kaggles_token_is_never_shown(tmp_path, monkeypatch):
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert found(examine._kaggle).mark == "note"
    path = tmp_path / ".kaggle/access_token"
    path.parent.mkdir()
    path.write_text("s3cret")
    path.chmod(0o644)
    assert found(examine._kaggle)[::3] == ("note", f"run: chmod 600 {path}")
    path.chmod(0o600)
    assert found(examine._kaggle).mark == "OK"
    path.unlink()
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "s3cret")
    assert found(examine._kaggle).mark == "OK"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "s3cret")
    assert found(examine._kaggle).text == "in KAGGLE_API_TOKEN"


@pytest.mark.parametrize(
    ("features", "mark"),
    [(("AVX2", "AMX"), "note"), (("Arm BF16",), "note"), (("AVX2", "AVX-512"), "OK"), ((), "OK")],
)
def test_the_precision_is_recommended_by_the_instruction_sets(monkeypatch, features, mark):
    monkeypatch.setattr(hardware, "cpu", lambda: hardware.Cpu("A", 2, features))
    processor, precision = examine._cpu()
    assert (processor.mark, precision.mark) == ("OK", mark)


def test_half_a_lock_names_its_remedy(repository, monkeypatch):
    Path("dvc.yaml").write_text(
        "stages:\n  one: {cmd: echo 1 > one, outs: [one]}\n"
        "  two: {cmd: echo 2 > two, outs: [two]}\n"
    )
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "repro", "-q"], check=True)
    loaded = []
    load = Lockfile.load
    monkeypatch.setattr(Lockfile, "load", lambda lock: loaded.append(lock) or load(lock))
    assert found(examine._lock).text == "2 stages are recorded"
    assert len(loaded) <= 2  # by DVC for its stages, and once to count; not for each stage
    lock = Path("dvc.lock")
    lock.write_bytes(lock.read_bytes()[:12])
    (problem,) = examine._guarded(examine._lock)
    assert (problem.mark, "run: make repair" in problem.text) == ("problem", True)


def test_gpus(monkeypatch, tensorflow):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    devices = [
        hardware.Gpu("/device:GPU:0", "A", ""),
        hardware.Gpu("/device:GPU:1", "B", "dead"),
    ]
    monkeypatch.setattr(hardware, "gpus", lambda: iter(devices))
    assert [(one.mark, one.what) for one in examine._gpus()] == [
        ("OK", "GPU 0"),
        ("problem", "GPU 1"),
    ]
    monkeypatch.setattr(hardware, "gpus", lambda: iter([]))
    assert found(examine._gpus).what == "GPU"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert found(examine._gpus).mark == "note"


def test_the_command_marks_what_it_finds_and_exits_with_1(repository, monkeypatch, capsys):
    monkeypatch.setattr(examine, "CHECKS", (examine._python, examine._git, examine._parameters))
    assert command.run(None) == "problems: 0, notes: 0"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("OK       Python: 3.")
    assert lines[2] == "OK       parameters: params.yaml: 2 datasets and 2 runs are valid"
    repository.set("runs.tiny_png.dataset", "nothing")
    with pytest.raises(SystemExit) as ended:
        command.run(None)
    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert "problem  parameters: params.yaml: runs.tiny_png.dataset: there is no dataset" in out
    assert out.endswith("problems: 1, notes: 0\n")


def test_a_bug_is_not_a_finding(monkeypatch):
    def broken():
        yield 1 / 0

    with pytest.raises(ZeroDivisionError):
        list(examine._guarded(broken))


@pytest.mark.parametrize(
    ("variable", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_obey(monkeypatch, variable, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    assert command._coloured("OK", 32) == "OK"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert ("\x1b[32m" in command._coloured("OK", 32)) is coloured
    assert os.environ.get("NO_COLOR") == variable.get("NO_COLOR")
