"""The command line's commands, one a module: ``python -m pipeline NAME``, with ``-`` for ``_``.

A module's docstring is the command's help: one line, then what to know and examples. ``run`` takes
the parsed arguments and returns what is printed; it exits by itself where the status says more.
``arguments``, if there, adds the command's own to its parser. Since all modules are imported for
any help, they import what they need inside ``run``: nothing but light ones of the standard library
at the top.
"""

import importlib
import pkgutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Protocol


class Command(Protocol):
    """A module of this package."""

    __doc__: str | None
    run: Callable[[Namespace], str]


def found() -> dict[str, Command]:
    """Every command, by name."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return {name.replace("_", "-"): importlib.import_module(f"{__name__}.{name}") for name in names}


def add_arguments(command: Command, parser: ArgumentParser) -> None:
    """Add a command's own arguments, if it has any."""
    add = getattr(command, "arguments", None)
    if add is not None:
        add(parser)
