"""Commands of ``python -m pipeline``, one a module: ``new_dataset.py`` is ``new-dataset``.

A folder is a group, which ``--help`` shows under one heading. A new command is a new module in one
of them, with

- a docstring, the command's help: one line, then explanations and examples;
- ``run``, which takes the parsed arguments and returns the text to print, and which exits by itself
  where the status says more;
- ``arguments``, if it has any, which adds the command's own to its parser.

Any help imports all modules. At their top they import light modules of the standard library alone;
the rest they import inside ``run``.
"""

import importlib
import pkgutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

GROUPS = {
    "data": "datasets and parameters",
    "models": "models",
    "results": "results",
    "repository": "the repository",
    "setup": "the installation",
}
"""Headings by folder, in the order in which they are shown."""


class Command(Protocol):
    """A module of a group."""

    __doc__: str | None
    run: Callable[[Namespace], str]


def by_group() -> dict[str, dict[str, Command]]:
    """Return the commands by name, under each group's heading."""
    return {
        heading: {
            name.replace("_", "-"): importlib.import_module(f"{__name__}.{group}.{name}")
            for name in _modules(group)
        }
        for group, heading in GROUPS.items()
    }


def add_arguments(command: Command, parser: ArgumentParser) -> None:
    """Add a command's own arguments, if it has any."""
    add = getattr(command, "arguments", None)
    if add is not None:
        add(parser)


def confirmed(question: str) -> bool:
    """Ask for confirmation; return False without a terminal."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False


def _modules(group: str) -> list[str]:
    """Return the names of a group's modules, sorted."""
    return sorted(
        module.name for module in pkgutil.iter_modules([f"{Path(__file__).parent / group}"])
    )
