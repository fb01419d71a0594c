"""A host of Git repositories that runs workflows: clones, and the scripts of a job's steps."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pipeline.core.params import read_yaml
from tests.support.builders import ROOT

PULL_REQUEST = ROOT / ".github/workflows/pull-request.yml"
FULL = ROOT / ".github/workflows/full.yml"
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
}
IDENTITY = "-c", "user.name=x", "-c", "user.email=x"


class Host:
    """A host with one repository, and the cache of DVC's that it keeps between its jobs."""

    def __init__(self, folder: Path, origin: Path) -> None:
        self.folder, self.origin = folder, origin

    def git(self, *command: str) -> None:
        """Run Git in the repository."""
        git(self.origin, *command)

    def job(
        self,
        branch: str,
        event: str,
        workflow: Path = PULL_REQUEST,
        values: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, tuple[str, int]], str]:
        """Run the scripts of a workflow's first job in a new clone.

        Not run are `make setup` (test_setup.py does) and the actions, which need the host; what
        ``actions/cache`` does is done here. ``values`` are those of the steps' variables that the
        host would put in: inputs and secrets; others are empty, as secrets in a fork.

        Returns
        -------
        tuple
            By the names of the steps that were run what they wrote and their status; the summary.
        """
        clone = self.folder / branch / "clone"
        git(self.folder, "clone", "-q", "-b", branch, f"{self.origin}", f"{clone}")
        files = {name: clone.parent / name for name in ("STEP_SUMMARY", "ENV", "PATH")}
        for path in files.values():
            path.touch()
        (clone.parent / "temp").mkdir()
        if (self.folder / "cache").exists():
            shutil.copytree(self.folder / "cache", clone / ".dvc/cache")
        host = {
            "CI": "true",
            "GITHUB_BASE_REF": "main" if event == "pull_request" else "",
            "RUNNER_TEMP": str(clone.parent / "temp"),
        } | {f"GITHUB_{name}": str(path) for name, path in files.items()}
        steps: dict[str, tuple[str, int]] = {}
        for step in next(iter(read_yaml(workflow)["jobs"].values()))["steps"]:
            condition = step.get("if", "")
            failed = any(status for _, status in steps.values())
            if (
                "run" not in step
                or step["name"] == "Install"
                or ("pull_request" in condition and event != "pull_request")
                or (failed and not re.search(r"always\(\)|!cancelled\(\)", condition))
            ):
                continue
            lines = files["ENV"].read_text().splitlines()
            set_before = dict(line.split("=", 1) for line in lines)
            own = {name: (values or {}).get(name, "") for name in step.get("env", {})}
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=clone,
                env=ENVIRONMENT | host | set_before | own,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            steps[step["name"]] = done.stdout, done.returncode
        return steps, files["STEP_SUMMARY"].read_text()


def git(folder: Path, *command: str) -> None:
    """Run Git in a folder; it must succeed."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["git", *IDENTITY, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
