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
FILES = "STEP_SUMMARY", "ENV", "PATH", "OUTPUT"
"""Files by which steps tell the host something."""
IDENTITY = "-c", "user.name=x", "-c", "user.email=x"


class Host:
    """A host with one repository, and the cache of DVC's that it keeps between its jobs."""

    def __init__(
        self, folder: Path, origin: Path, environment: Mapping[str, str] = ENVIRONMENT
    ) -> None:
        self.folder, self.origin, self.environment = folder, origin, environment

    def git(self, *command: str) -> None:
        """Run Git in the repository."""
        git(self.origin, *command)

    def job(
        self,
        branch: str,
        event: str,
        workflow: Path = PULL_REQUEST,
        values: Mapping[str, str] | None = None,
        name: str = "",
    ) -> tuple[dict[str, tuple[str, int]], str]:
        """Run the scripts of a workflow's first job in a new clone, or those of the named one.

        Not run are `make setup` (test_setup.py does) and the actions, which need the host; what
        ``actions/cache`` does is done here. ``values`` are those of the steps' variables that the
        host would put in: inputs and secrets; others are empty, as secrets in a fork. Programs in
        the folder ``bin`` come first. Artifacts are files of ``temp``, beside the clone.

        Returns
        -------
        tuple
            By the names of the steps that were run what they wrote and their status; the summary.
        """
        clone = self.folder / f"{branch}{name and '-'}{name}" / "clone"
        git(self.folder, "clone", "-q", "-b", branch, f"{self.origin}", f"{clone}")
        files = {name: clone.parent / name for name in FILES}
        for path in files.values():
            path.touch()
        (clone.parent / "temp").mkdir(exist_ok=True)
        if (self.folder / "cache").exists():
            shutil.copytree(self.folder / "cache", clone / ".dvc/cache")
        host = {
            "CI": "true",
            "GITHUB_BASE_REF": "main" if event == "pull_request" else "",
            "GITHUB_REF_NAME": branch,
            "GITHUB_REPOSITORY": "team/project",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": "https://host.example",
            "GITHUB_SHA": "0" * 40,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{self.environment['PATH']}",
            "RUNNER_TEMP": str(clone.parent / "temp"),
        } | {f"GITHUB_{name}": str(path) for name, path in files.items()}
        steps: dict[str, tuple[str, int]] = {}
        jobs = read_yaml(workflow)["jobs"]
        for step in jobs[name or next(iter(jobs))]["steps"]:
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
                env={**self.environment, **host, **set_before, **own},
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
