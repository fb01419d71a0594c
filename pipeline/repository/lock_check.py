"""Check ``dvc.lock`` against what is here: commands, code, data, parameters, outputs."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.output import Output
from dvc.stage.serialize import to_single_stage_lockfile
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem

from pipeline.core.errors import first_few
from pipeline.repository.dvc import LOCK, opened


def faults() -> Iterator[str]:
    """Compare every recorded stage with what is here: command, code, data, parameters, outputs.

    Every file is read again; neither DVC's cache nor times and lengths are trusted.

    Yields
    ------
    str
        A difference. Data that is not here is none, for it may not have been pulled.
    """
    with opened() as repo, tempfile.TemporaryDirectory() as nowhere:
        hashes = Hashes(Path(nowhere))
        made = {out.fs_path for stage in repo.index.stages for out in stage.outs}
        locks: dict[str, dict[str, Any]] = {}
        for stage in repo.index.stages:
            name = stage.addressing
            if stage.path not in locks:
                locks[stage.path] = stage.dvcfile.lockfile_contents.get("stages", {})
            if recorded := locks[stage.path].get(stage.name):
                found = list(_stage_faults(stage, hashes, made))
                yield from found
                if not found and recorded != to_single_stage_lockfile(stage):
                    yield f"{name}: {LOCK} records more or less; run dvc repro --force {name}"
            elif here := [str(out) for out in stage.outs if hashes.of(out)]:
                yield f"{name}: not recorded in {LOCK}: {first_few(here)}; run dvc repro"


class State(NamedTuple):
    """What ``dvc.lock`` says of a file or folder; ``files`` is their number, of a folder."""

    hash: str
    bytes: int
    files: int | None


class Hashes:
    """DVC's hashes of files and folders, each computed once, from the bytes."""

    def __init__(self, folder: Path) -> None:
        self.fs = LocalFileSystem()
        self.database = HashFileDB(self.fs, str(folder))
        self.known: dict[str, State | None] = {}

    def of(self, entry: Output) -> State | None:
        """The state of an output or dependency, None if it is not here."""
        path = entry.fs_path
        if path not in self.known:
            self.known[path] = None
            if self.fs.exists(path):
                _, meta, found = build(self.database, path, self.fs, "md5", dry_run=True)
                self.known[path] = State(found.hash_info.value, meta.size, meta.nfiles)
        return self.known[path]

    def differ(self, entry: Output) -> bool:
        """Whether an output or dependency is here, but is not what was recorded."""
        return self.of(entry) not in (None, _state(entry))


def _state(entry: Any) -> State:
    return State(entry.hash_info.value, entry.meta.size, entry.meta.nfiles)


def _stage_faults(stage: Any, hashes: Hashes, made: set[str]) -> Iterator[str]:
    """Compare a stage with its record; ``made`` are the paths of all stages' outputs."""
    name = stage.addressing
    if stage.cmd_changed:
        yield f"{name}: its command is not the recorded one; run dvc repro"
    dependencies = []
    for dependency in stage.deps:
        if not isinstance(dependency, ParamsDependency):
            dependencies.append(dependency)
        elif keys := sorted(key for keys in dependency.status().values() for key in keys):
            yield f"{name}: parameters are not as recorded ({first_few(keys)}); run dvc repro"
    yield from _dependency_faults(name, dependencies, hashes, made)
    for output in stage.outs:
        if not hashes.of(output) and not output.use_cache:
            yield f"{name}: {output} is missing, which Git should hold; run dvc repro"
        elif hashes.differ(output):
            yield f"{name}: {output} is not what was recorded; run dvc repro --force {name}"


def _dependency_faults(
    name: str, dependencies: list[Output], hashes: Hashes, made: set[str]
) -> Iterator[str]:
    """Compare a stage's files with its record.

    A folder that others' outputs are gathered in says nothing while one of these is not here.
    """
    changed, missing = [], []
    for dependency in dependencies:
        if not is_complete(dependency, made):
            continue
        if hashes.differ(dependency):
            changed.append(str(dependency))
        elif not hashes.of(dependency) and dependency.fs_path not in made:
            missing.append(str(dependency))
    if changed:
        yield f"{name}: dependencies are not as recorded ({first_few(changed)}); run dvc repro"
    if missing:
        yield f"{name}: dependencies are missing, which Git should hold ({first_few(missing)})"


def is_complete(dependency: Output, made: Iterable[str]) -> bool:
    """Whether all outputs below a dependency are here; ``made`` are all stages' outputs."""
    folder = dependency.fs_path + os.sep
    return all(Path(output).exists() for output in made if output.startswith(folder))
