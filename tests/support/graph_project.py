"""The tiny project under DVC, with the graph and its code."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

from pipeline.download.fetch import MIRROR
from tests.support.builders import ROOT, Project

PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


class DvcProject(Project):
    """A project with the graph and its code, under DVC; ``environment`` is of its processes."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.environment = environment or {}
        with chdir(folder):
            super().__init__(folder)
        for name in ("pipeline", "stages", "networks", "data/weights"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        shutil.copy(ROOT / "dvc.yaml", folder)
        for command in ("git init -q", "dvc init -q", "dvc config core.analytics false"):
            assert self.call(*command.split()).returncode == 0
        shutil.copy(ROOT / ".dvcignore", folder)

    def begin(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, as a shell with a terminal does.

        Both of its outputs are one pipe.
        """
        inherited = {name: value for name, value in os.environ.items() if name != MIRROR}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**inherited, "PATH": PATH, **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def call(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command; return it with both of its outputs as one."""
        with self.begin(*command, **environment) as process:
            out, _ = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, out)

    def repro(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``dvc repro``."""
        return self.call("dvc", "repro", *arguments, **environment)
