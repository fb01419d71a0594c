"""What each stage of ``dvc.yaml`` depends on, computed from the sources.

``python -m tests.support.graph`` prints the code that belongs into ``deps`` of every stage.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.core.params import read_yaml
from pipeline.models import families
from pipeline.repository.dvc import MAIN
from tests.support.builders import ROOT

GRAPH: dict[str, Any] = read_yaml(ROOT / "dvc.yaml")
STUDY: dict[str, Any] = read_yaml(ROOT / "ablation/dvc.yaml")
RESIDUAL: dict[str, Any] = read_yaml(ROOT / "residual/dvc.yaml")
TRANSFER: dict[str, Any] = read_yaml(ROOT / "transfer/dvc.yaml")
STAGES = ("download", "extract", "decode", "split", "train", "evaluate", "report")
NETWORKS = families.known()
"""Families of networks; which of them ``train`` loads depends on the run."""
TEMPLATES = "templates"
"""Folder of a package with the files that its modules read."""


def of(stage: str, graph: Mapping[str, Any] = GRAPH) -> dict[str, Any]:
    """Return a stage's definition, that of one item where it is a ``foreach``."""
    definition: dict[str, Any] = graph["stages"][stage]
    found: dict[str, Any] = definition.get("do", definition)
    return found


def deps(stage: str, graph: Mapping[str, Any] = GRAPH) -> list[str]:
    """Return the ``deps`` of a stage, as the main project names them."""
    return [dep.removeprefix(f"{MAIN}/") for dep in of(stage, graph)["deps"]]


def declared(stage: str, graph: Mapping[str, Any] = GRAPH) -> list[str]:
    """Return the code among the ``deps`` of a stage, as it stands there."""
    return [dep for dep in deps(stage, graph) if dep.startswith(("pipeline", "stages"))]


def code(stage: str, graph: Mapping[str, Any] = GRAPH) -> set[str]:
    """Return the files that a stage declares, folders opened; empty ``__init__.py`` left out."""
    return set(opened(declared(stage, graph)))


def opened(entries: Iterable[str]) -> Iterator[str]:
    """Yield the files of entries, which are files and folders."""
    for entry in entries:
        path = ROOT / entry
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.stat().st_size and "__pycache__" not in file.parts:
                yield file.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[Path]:
    """Yield the project's modules that a file imports, anywhere in it, parents included."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                base = ROOT.joinpath(*parts[:depth])
                yield from (
                    p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()
                )


@cache
def modules(program: str) -> frozenset[str]:
    """Return the modules that a program loads, itself included; empty ones are left out."""
    found: set[Path] = set()
    waiting = [ROOT / program]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(imports(path))
    return frozenset(path.relative_to(ROOT).as_posix() for path in found if path.stat().st_size)


def closure(program: str) -> set[str]:
    """Return the code that a program loads: its modules, and the templates of whole packages."""
    found = set(modules(program))
    for folder in sorted((ROOT / "pipeline").iterdir()):
        own = {p.relative_to(ROOT).as_posix() for p in folder.glob("*.py") if p.stat().st_size}
        if own and own <= found:
            found |= set(
                opened([f"pipeline/{folder.name}/{TEMPLATES}"])
                if (folder / TEMPLATES).is_dir()
                else ()
            )
    return found


def collapsed(files: Iterable[str]) -> list[str]:
    """Return ``files``, but a package for its files where it holds no other."""
    files = set(files)
    found = set()
    for file in files:
        parts = Path(file).parts
        package = "/".join(parts[:2])
        whole = parts[0] == "pipeline" and len(parts) > 2 and set(opened([package])) <= files
        found.add(package if whole else file)
    return sorted(
        found, key=lambda entry: (not entry.startswith("stages"), "/" in entry[9:], entry)
    )


def expected(program: str) -> list[str]:
    """Return the ``deps`` of a stage with this program, but for data and a run's network."""
    loaded = closure(program)
    if program == "stages/train.py":
        for network in NETWORKS:
            loaded |= set(modules(f"networks/{network}.py")) - {f"networks/{network}.py"}
    return collapsed(loaded)


def places(entries: Iterable[str]) -> set[str]:
    """Return the programs, packages and top modules that entries lie in."""
    return {"/".join(Path(entry).parts[:2]) for entry in entries}


if __name__ == "__main__":
    for name in (*STAGES, "ablation", "transfer"):
        print(f"{name}:")
        for entry in expected(f"stages/{name}.py"):
            print(f"  - {entry}")
