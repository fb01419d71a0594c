"""Provenance: hashes of what a stage read, and of the code and library versions that ran it.

Only what a stage depends on may stand in its output, and these are: its modules and inputs are its
``deps``, the versions among its ``params``. ``dvc.lock`` is not, since it records the output.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from pipeline.core import files, libraries

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "stages")


def code(templates: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of the project's loaded modules, and of templates, by path."""
    loaded = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    found = {Path(path).resolve() for path in loaded if path}
    found |= set(templates)
    ours = {path.relative_to(ROOT).as_posix(): path for path in found if path.is_relative_to(ROOT)}
    return {
        name: files.sha256(path)
        for name, path in sorted(ours.items())
        if name.split("/")[0] in PACKAGES
    }


def inputs(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files, by path."""
    return {path.as_posix(): files.sha256(path) for path in paths}


def versions(names: Iterable[str]) -> dict[str, str]:
    """The installed versions of libraries."""
    return {name: libraries.installed(name) for name in names}


def combined(hashes: dict[str, str]) -> str:
    """One SHA-256 over names and hashes: of ``sha256sum``'s lines."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in hashes.items())
    return hashlib.sha256(lines.encode()).hexdigest()
