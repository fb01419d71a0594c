"""Environment: the code and library versions that a process computes with, to compare elsewhere."""

import importlib
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pipeline.core import files, libraries
from pipeline.core.errors import first_few

Environment = Mapping[str, str]
"""Versions of Python and the tracked libraries, and the SHA-256 of each module, by name."""


def current(*later: str) -> Environment:
    """The environment of this process, with the project's modules that it has loaded, or will."""
    loaded = [name for name in sys.modules if name.split(".")[0] == "pipeline"]
    return describe(sorted({*loaded, *later} - {"pipeline.__main__"}))


def describe(modules: Iterable[str]) -> Environment:
    """The environment of this process, with ``modules``, which are imported."""
    python = ".".join(map(str, sys.version_info[:3]))
    versions = {name: libraries.installed(name) for name in libraries.TRACKED}
    return {"Python": python, **versions, **{module: _code(module) for module in modules}}


def differences(mine: Environment) -> str:
    """How this process differs from ``mine``, another's environment; empty if it does not."""
    known = {"Python", *libraries.TRACKED}
    here = describe(name for name in mine if name not in known)
    wrong = [name for name in mine if here.get(name) != mine[name]]
    return first_few(
        [
            f"{name} is {here.get(name)}, not {mine[name]}"
            if name in known
            else f"{name} is of other code"
            for name in wrong
        ]
    )


@cache
def _code(module: str) -> str:
    """SHA-256 of a module's source, once for a process: what it loaded, not what came later."""
    try:
        path = importlib.import_module(module).__file__
    except ImportError:
        return "missing"
    return files.sha256(Path(path)) if path else "missing"
