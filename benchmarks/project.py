"""Copies of this project to measure in, with data, apart from the checkout and its DVC cache."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks import measuring
from benchmarks.measuring import BenchmarkError, Sample
from benchmarks.settings import ROOT, Settings

PYTHON = sys.executable
DVC = (PYTHON, "-m", "dvc")


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    settings.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="work-", dir=settings.cache) as folder:
        yield Path(folder)


def synthetic(settings: Settings, dataset: str, images: int) -> Path:
    """The folder of synthetic files (a key of ``synthetic.WRITERS``), made if it is not there."""
    folder = settings.cache / f"{dataset}-{images}"
    if not folder.exists():
        print(f"  making a synthetic {dataset} of {images:,} images", flush=True)
        with scratch(settings) as work:
            command = [PYTHON, "-m", "benchmarks.synthetic", dataset]
            subprocess.run([*command, work / "data", str(images)], cwd=ROOT, check=True)
            (work / "data").rename(folder)
    return folder


class Repository:
    """A folder under Git and DVC, with a DVC cache, state and index of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.run("git", "init", "-q")
        if not (folder / ".dvc").exists():
            self.run(*DVC, "init", "-q")
        lines = f"[core]\n    site_cache_dir = {self.site}\n    analytics = false\n"
        (folder / ".dvc" / "config.local").write_text(lines)

    @property
    def site(self) -> Path:
        """Folder of DVC's index of data."""
        return self.folder / ".dvc" / "tmp" / "site"

    def run(self, *command: str | Path, env: Mapping[str, str] | None = None) -> Sample:
        """Run and measure a command in this folder."""
        return measuring.run(command, self.folder, env)

    def dvc(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Sample:
        """Run and measure a command of DVC."""
        return self.run(*DVC, *arguments, env=env)

    def remove(self, *paths: str | Path) -> None:
        """Remove files or folders, which need not be there."""
        for path in (self.folder / path for path in paths):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Empty the DVC cache and all that DVC remembers."""
        self.remove(".dvc/cache", ".dvc/tmp")


class Project(Repository):
    """A copy of this project as it is in the checkout, whatever of it is committed."""

    def __init__(self, folder: Path) -> None:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        for name in listed.stdout.split("\0"):
            if name and ((ROOT / name).is_file() or (ROOT / name).is_symlink()):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
        super().__init__(folder)
        self.run(PYTHON, "-m", "compileall", "-q", "pipeline", "stages")

    def edit(self, values: Mapping[str, Any]) -> None:
        """Set parameters, named by their full keys."""
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False  # libyaml refuses a plain file:path within brackets
        path = self.folder / "params.yaml"
        params = yaml.load(path)
        for key, value in values.items():
            *parents, last = key.split(".")
            section = params
            for name in parents:
                section = section[name]
            section[last] = value
        yaml.dump(params, path)

    def stage(self, name: str, of: str, env: Mapping[str, str] | None = None) -> Sample:
        """Run a stage's program, without DVC."""
        return self.run(PYTHON, "-m", f"stages.{name}", of, env=env)

    def take(self, dataset: str, published: Path) -> None:
        """Have a dataset's files, of whatever content, come from a folder."""
        files = [
            {"name": path.name, "sources": [f"file://{path}"]}
            for path in sorted(published.iterdir())
        ]
        self.edit({f"datasets.{dataset}.download.files": files})


@contextmanager
def copied(settings: Settings, *datasets: str, images: int | None = None) -> Iterator[Project]:
    """A copy of this project, in which the data to measure on stands for the datasets named.

    ``images`` asks for so many synthetic ones, in an archive without compression.
    """
    with scratch(settings) as folder:
        found = Project(folder / "project")
        for example in (f"examples/{dataset}.yaml" for dataset in datasets):
            if (found.folder / example).exists():
                found.run(PYTHON, "-m", "pipeline", "add", example)
        for dataset in datasets:
            if images is not None:
                found.take(dataset, synthetic(settings, f"{dataset}-stored", images))
            elif not settings.mirrored:
                found.take(dataset, synthetic(settings, dataset, settings.images))
        if "fashion_mnist" in datasets:
            found.edit({"datasets.fashion_mnist.split.validation_count": settings.validation})
        yield found


def need(program: str, package: str) -> None:
    """Raise BenchmarkError if a program is not installed."""
    if shutil.which(program) is None:
        raise BenchmarkError(f"{program} is missing; install it (Debian: {package})")
