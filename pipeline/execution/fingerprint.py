"""Fingerprints: hashes of the code, and versions of the libraries, that make a result.

Checkpoints are bound to ``code``, machines that work together compare it, and a report prints it.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pipeline.core import files, libraries
from pipeline.core.errors import first_few

ROOT = Path(__file__).resolve().parents[2]
"""The folder of ``pipeline/``, ``stages/`` and ``networks/``."""
PACKAGES = frozenset({"pipeline", "stages", "networks"})

Environment = Mapping[str, str]
"""Versions of Python and the tracked libraries, by name, and hashes of modules, by path."""


def code(files_beside: Iterable[Path] = ()) -> dict[str, str]:
    """Return the SHA-256 of each of the project's modules that this process has loaded.

    Parameters
    ----------
    files_beside : iterable of Path
        Other files that belong to the code, such as templates.

    Returns
    -------
    dict
        Hexadecimal digests by path, relative to the project's folder, sorted. Empty files, such as
        the ``__init__.py`` of a package, are left out.
    """
    loaded = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    # A process has a thousand modules; to resolve all their paths takes longer than all else here.
    paths = {_resolved(path) for path in loaded if not PACKAGES.isdisjoint(Path(path).parts)}
    paths |= set(files_beside)
    ours = {path.relative_to(ROOT) for path in paths if path.is_relative_to(ROOT)}
    return {
        path.as_posix(): _sha256(path.as_posix())
        for path in sorted(ours)
        if path.parts[0] in PACKAGES and (ROOT / path).stat().st_size
    }


def program() -> str:
    """Return one SHA-256 over the loaded modules and the versions of all tracked libraries."""
    return key(json.dumps([code(), versions(libraries.TRACKED)], sort_keys=True))


def environment(*later: str) -> Environment:
    """Return what this process computes with, for another machine to compare.

    Parameters
    ----------
    later : str
        Names of modules that are not loaded yet, but will be.
    """
    for name in later:
        importlib.import_module(name)
    python = ".".join(map(str, sys.version_info[:3]))
    modules = {path: digest for path, digest in code().items() if not path.startswith("stages/")}
    modules.pop("pipeline/__main__.py", None)
    return {"Python": python, **versions(libraries.TRACKED), **modules}


def differences(expected: Environment) -> str:
    """Return how this process differs from ``expected``, on one line; empty if it does not."""
    here = {"Python": ".".join(map(str, sys.version_info[:3])), **versions(libraries.TRACKED)}
    faults = []
    for name, value in expected.items():
        if name not in here:
            if _sha256(name) != value:
                faults.append(f"{name} is of other code")
        elif here[name] != value:
            faults.append(f"{name} is {here[name]}, not {value}")
    return first_few(faults)


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed versions of libraries, by name."""
    return {name: libraries.installed(name) for name in names}


def combined(hashes: Mapping[str, str]) -> str:
    """Return one SHA-256 over names and hashes, written as the lines of ``sha256sum``."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in hashes.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def key(*inputs: str | bytes | memoryview) -> str:
    """Return one SHA-256 over ``inputs``, each preceded by its length."""
    digest = hashlib.sha256()
    for value in inputs:
        content = value.encode() if isinstance(value, str) else value
        digest.update(len(memoryview(content).cast("B")).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()


@cache
def _resolved(path: str) -> Path:
    """Return the real path of a module's file, which does not move."""
    return Path(path).resolve()


@cache
def _sha256(path: str) -> str:
    """Return a module's hash, read once in a process, when the code is what was loaded."""
    try:
        return files.sha256(ROOT / path)
    except FileNotFoundError:
        return "missing"
