"""Imports: which of the project's modules a program is made of."""

import ast
from collections.abc import Iterator
from pathlib import Path


def closure(program: Path) -> list[Path]:
    """A program and all modules below this folder that it imports, directly or not, in order.

    Imports within functions count too. Modules are found relative to the working directory, in
    which DVC runs every stage.
    """
    found: set[Path] = set()
    waiting = [program]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imported(path))
    return sorted(found)


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            base = Path(*name.split("."))
            yield from (p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file())
