"""Library versions that can change an output.

``libraries.yaml`` holds them for DVC, which tracks for every stage those that the stage uses; so an
upgrade re-runs exactly the stages whose output it can change. ``make lock`` writes the file from
``requirements.lock``.
"""

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from pipeline.core import paths
from pipeline.core.errors import InstallationError
from pipeline.core.params import read_yaml

TRACKED = (
    "altair",
    "h5py",
    "jinja2",
    "keras",
    "matplotlib",
    "numpy",
    "opencv-python-headless",
    "pandas",
    "pillow",
    "py7zr",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "tensorflow",
    "vl-convert-python",
)


def installed(name: str) -> str:
    """The installed version of a library, or ``"missing"``."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def check(names: Iterable[str], path: Path = paths.LIBRARIES) -> None:
    """Refuse installed versions that are not the recorded ones.

    Raises
    ------
    InstallationError
        Naming each library, the version recorded and the version found.
    """
    recorded = read_yaml(path)
    wrong = []
    for name in names:
        if name not in recorded:
            raise InstallationError(f"{path} has no version of {name}; write it with: make lock")
        if installed(name) != recorded[name]:
            wrong.append(f"{name} is {installed(name)}, {path} says {recorded[name]}")
    if wrong:
        raise InstallationError(
            "; ".join(wrong) + ". Install the locked versions with: make setup "
            "(or, to move to other versions on purpose: make lock)"
        )


def write(lock: Path, path: Path = paths.LIBRARIES) -> None:
    """Write the tracked libraries' versions, as ``requirements.lock`` pins them, to ``path``.

    Raises
    ------
    InstallationError
        If the lock pins a tracked library not at all or more than once.
    """
    pins: dict[str, list[str]] = {name: [] for name in TRACKED}
    for line in lock.read_text(encoding="utf-8").splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
        if match and match[1].lower() in pins:
            pins[match[1].lower()].append(match[2])
    lines = ["# Written by `make lock` from requirements.lock; tracked per stage in dvc.yaml.\n"]
    for name, versions in sorted(pins.items()):
        if len(versions) != 1:
            raise InstallationError(f"{lock} pins {name} {len(versions)} times, not once")
        lines.append(f'{name}: "{versions[0]}"\n')
    path.write_text("".join(lines), encoding="utf-8")
