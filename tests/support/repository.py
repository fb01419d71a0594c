"""Copies and clones of this repository, with Git and DVC run in them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dvc.utils.serialize import dump_yaml

from pipeline.core.params import read_yaml
from tests.support import warm
from tests.support.builders import ROOT

TARGET = "report@demo_png"
DEMOS = "report@demo_idx", TARGET
DATA_STAGES = ("download@", "extract@", "decode@", "split@")
ENVIRONMENT: dict[str, str] = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONHASHSEED": "7",
}
"""Variables of every process here: this Python's programs first, and one seed of hashes."""
IMPATIENT = {"AWS_MAX_ATTEMPTS": "1"}  # else a push to S3 waits for minutes for a dead server


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; return it with what it wrote."""
    return subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def call(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command in a folder, which must succeed; return its standard output."""
    done = run(command, folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Copy:
    """A copy of the repository's files, as they are now, with no cache and no outputs.

    With ``quick``, its programs are those of ``warm``.
    """

    def __init__(self, folder: Path, *, quick: bool = False) -> None:
        self.folder = folder
        self.environment = warm.environment(ENVIRONMENT) if quick else {}
        listed = subprocess.check_output(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT
        )
        for name in listed.decode().split("\0"):
            if name and (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        self.call("git", "init", "-q")

    def call(self, *command: str, **environment: str) -> str:
        """Run a command, which must succeed; return its standard output."""
        return call(command, self.folder, {**self.environment, **environment})

    def repro(self, *targets: str, **environment: str) -> list[str]:
        """Reproduce ``targets``; return the stages that were run, in their order."""
        shown = self.call("dvc", "repro", *targets, **environment)
        return re.findall(r"^Running stage '(.*)'", shown, re.M)

    def change(self, old: str, new: str) -> None:
        """Replace a text in ``params.yaml``, which must be there."""
        path = self.folder / "params.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def lock(self) -> dict[str, Any]:
        """Read the stages of ``dvc.lock``, by name."""
        stages: dict[str, Any] = read_yaml(self.folder / "dvc.lock")["stages"]
        return stages

    def forget_all_but(self, demos: str) -> None:
        """Remove records and metrics of the other runs, which stand for code of their own time."""
        stages = {name: stage for name, stage in self.lock().items() if f"@{demos}" in name}
        dump_yaml(self.folder / "dvc.lock", {"schema": "2.0", "stages": stages})
        for folder in self.folder.glob("metrics/*/*"):
            if not folder.name.startswith(demos):
                shutil.rmtree(folder)
        for study in ("ablation", "residual", "transfer"):
            shutil.rmtree(self.folder / study / "metrics", ignore_errors=True)
            (self.folder / study / "dvc.lock").unlink(missing_ok=True)

    def evaluation(self, run: str) -> dict[str, Any]:
        """Read the metrics of a run."""
        path = self.folder / f"metrics/runs/{run}/evaluation.json"
        metrics: dict[str, Any] = json.loads(path.read_text())
        return metrics


class Clone:
    """A clone of a repository; with ``full``, it has DVC's cache of the origin too."""

    def __init__(self, origin: Path, folder: Path, *, full: bool = False) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "-q", str(origin), str(folder)], check=True)
        if full:
            shutil.copytree(origin / ".dvc/cache", folder / ".dvc/cache")
        self._set_up()

    def _set_up(self) -> None:
        """Stand in for ``make setup``, with the environment of this process."""
        here, venv = Path(sys.prefix), self.folder / ".venv"
        venv.mkdir()
        for name in ("bin", "lib", "pyvenv.cfg"):
            (venv / name).symlink_to(here / name)
        (venv / "requirements.lock").touch()

    def start(
        self, *arguments: str, dvc: Sequence[str] = (sys.executable, "-m", "dvc")
    ) -> subprocess.Popen[str]:
        """Start DVC."""
        return subprocess.Popen(
            [*dvc, *arguments],
            cwd=self.folder,
            env=ENVIRONMENT | IMPATIENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def call(self, *arguments: str, fails: bool = False) -> str:
        """Run DVC, which succeeds or, with ``fails``, names its error; return all it wrote."""
        process = self.start(*arguments, dvc=[str(warm.programs() / "dvc")])
        shown = process.communicate(timeout=120)[0]
        assert bool(process.returncode) == fails, shown
        assert "Traceback" not in shown
        assert not fails or "ERROR: " in shown
        return shown

    def pipeline(self, *arguments: str, fails: bool = False) -> str:
        """Run this project's command, which writes one line; return that line."""
        command = sys.executable, "-m", "pipeline", *arguments
        done = run(command, self.folder, {"PYTHONPATH": str(ROOT)} | IMPATIENT)
        shown = done.stdout + done.stderr
        assert (done.returncode, shown.count("\n")) == (int(fails), 1), shown
        return shown

    def shell(self, commands: str, environment: Mapping[str, str]) -> str:
        """Run commands of the documentation by bash; return their standard output."""
        return call(["bash", "-euc", commands], self.folder, environment)


def commit(folder: Path, message: str = "all") -> None:
    """Commit all files of a folder that Git does not ignore."""
    for command in (["add", "."], ["commit", "-qm", message]):
        identity = ["-c", "user.name=x", "-c", "user.email=x"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)


def demo(folder: Path) -> Path:
    """Make a copy of this project in which a demo was run; its cache serves what it already has."""
    copy = Copy(folder, quick=True)
    copy.forget_all_but("demo_png")
    # The default one, without which `dvc repro --pull` fails where the cache lacks anything.
    copy.call("dvc", "remote", "add", "-q", "--local", "-d", "checkout", str(ROOT / ".dvc/cache"))
    run(  # it may lack some, or all
        ["dvc", "fetch", "-q", "--run-cache", "--with-deps", TARGET], copy.folder
    )
    copy.repro("--pull", TARGET)
    copy.call("dvc", "remote", "remove", "-q", "--local", "checkout")
    commit(copy.folder)
    return copy.folder


def blocks(page: str, heading: str) -> list[str]:
    """Return the blocks of commands below a heading of ``docs/<page>``."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (section,) = re.findall(rf"^##+ {heading}\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    return re.findall(r"```sh\n(.*?)```", section, re.S)
