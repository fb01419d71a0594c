"""Versions of the libraries that can change an output.

``libraries.yaml`` holds them for DVC. A stage tracks the versions of the libraries that it uses, so
an upgrade re-runs exactly the stages whose output it can change. ``make lock`` writes the file from
``requirements.lock``.
"""

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from pipeline.core import files, paths
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
    """Return the installed version of a library, or ``"missing"``."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def check(names: Iterable[str], path: Path = paths.LIBRARIES) -> None:
    """Refuse installed versions other than the recorded ones.

    Raises
    ------
    InstallationError
        Naming each such library with its installed and its recorded version.
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
    """Write the versions of the tracked libraries that ``requirements.lock`` pins.

    Raises
    ------
    InstallationError
        If the lock does not pin a tracked library exactly once.
    """
    pins: dict[str, list[str]] = {name: [] for name in TRACKED}
    for line in files.read_text(lock).splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
        if match and match[1].lower() in pins:
            pins[match[1].lower()].append(match[2])
    lines = ["# Written by `make lock` from requirements.lock; tracked per stage in dvc.yaml.\n"]
    for name, versions in sorted(pins.items()):
        if len(versions) != 1:
            raise InstallationError(f"{lock} pins {name} {len(versions)} times, not once")
        lines.append(f'{name}: "{versions[0]}"\n')
    files.write_text(path, "".join(lines))
