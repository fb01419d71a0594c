"""Check of ``dvc.lock`` against the files here: commands, code, data, parameters, outputs."""

import os
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage.serialize import to_single_stage_lockfile
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem

from pipeline.core.errors import first_few
from pipeline.repository.dvc import LOCK, opened, repro


def faults(others: set[Path] | None = None, *, studies: bool = True) -> Iterator[str]:
    """Compare every recorded stage with the files here.

    Every file is read again: neither DVC's cache nor times and lengths of files are trusted.

    Parameters
    ----------
    others : set of Path, optional
        Gets the outputs that are here in another version, relative to this folder.
    studies : bool
        Whether those of studies are compared too.

    Yields
    ------
    str
        A difference. Cached data that is not here is none, for it may not have been pulled.

    Raises
    ------
    PipelineError
        If DVC cannot open the repository or read its files.
    """
    with opened(studies=studies) as repo, tempfile.TemporaryDirectory() as nowhere:
        yield from _hidden(repo)
        hashes = Hashes(Path(nowhere))
        outputs = {out.fs_path for stage in repo.index.stages for out in stage.outs}
        other = {
            out.fs_path
            for stage in repo.index.stages
            for out in stage.outs
            if is_other_version(out, hashes)
        }
        if others is not None:
            others |= {Path(os.path.relpath(path)) for path in other}
        locks: dict[str, dict[str, Any]] = {}
        for stage in repo.index.stages:
            name = stage.addressing
            if stage.path not in locks:
                locks[stage.path] = stage.dvcfile.lockfile_contents.get("stages", {})
            if recorded := locks[stage.path].get(stage.name):
                differences = list(stage_faults(stage, hashes, outputs, other))
                yield from differences
                if not differences and recorded != to_single_stage_lockfile(stage):
                    yield f"{name}: {LOCK} records more or less; run {repro([name], '--force')}"
            elif here := [str(out) for out in stage.outs if hashes.of(out)]:
                yield f"{name}: not recorded in {LOCK}: {first_few(here)}; run dvc repro"


def _hidden(repo: Repo) -> Iterator[str]:
    """Tell what Git tracks and stages read, but DVC ignores: its changes would go unseen."""
    read = {
        dependency.fs_path
        for stage in repo.index.stages
        for dependency in stage.deps
        if not isinstance(dependency, ParamsDependency)
    }
    hidden = []
    for entry in repo.scm.pygit2.repo.index:
        path = Path(repo.scm.root_dir, entry.path)
        is_read = not read.isdisjoint(map(str, (path, *path.parents)))
        if is_read and repo.dvcignore.is_ignored_file(str(path)):
            hidden.append(entry.path)
    if hidden:
        yield f".dvcignore: hides {first_few(hidden)}, which Git tracks and stages read; change it"


def count() -> int:
    """Return the number of recorded stages; raises PipelineError where ``dvc.lock`` is damaged."""
    with opened() as repo:
        stages = repo.index.stages
        # Each lock is read once, as DVC parses it again for each stage that asks.
        files = {stage.path: stage.dvcfile for stage in stages}
        recorded = {path: file.lockfile_contents.get("stages", {}) for path, file in files.items()}
        return sum(stage.name in recorded[stage.path] for stage in stages)


class State(NamedTuple):
    """The state of a file or folder as ``dvc.lock`` records it."""

    hash: str
    """MD5 in hexadecimal; of a folder, that of its list of files, with ``.dir`` behind it."""
    bytes: int
    files: int | None
    """Number of files in a folder; None for a file."""


class Hashes:
    """DVC's hashes of files and folders, each computed once, from the bytes.

    Parameters
    ----------
    folder : Path
        An empty folder, in which DVC looks for objects and finds none.
    """

    def __init__(self, folder: Path) -> None:
        self.fs = LocalFileSystem()
        self.database = HashFileDB(self.fs, str(folder))
        self.known: dict[str, State | None] = {}

    def of(self, entry: Output) -> State | None:
        """Return the state of an output or dependency, None if it is not here."""
        path = entry.fs_path
        if path not in self.known:
            self.known[path] = None
            if self.fs.exists(path):
                ignore = entry.dvcignore  # as of what Python and editors leave beside code
                _, meta, built = build(
                    self.database, path, self.fs, "md5", dry_run=True, ignore=ignore
                )
                self.known[path] = State(built.hash_info.value, meta.size, meta.nfiles)
        return self.known[path]

    def differ(self, entry: Output) -> bool:
        """Return True if an output or dependency is here, but is not what was recorded."""
        return self.of(entry) not in (None, _recorded(entry))


def _recorded(entry: Any) -> State:
    return State(entry.hash_info.value, entry.meta.size, entry.meta.nfiles)


def stage_faults(
    stage: Any, hashes: Hashes, outputs: set[str], other: Collection[str] = ()
) -> Iterator[str]:
    """Compare a stage with its record, with which it was loaded.

    Parameters
    ----------
    outputs : set of str
        The paths of all stages' outputs.
    other : collection of str
        Those that are here in another version, which is said of the stage that wrote them alone.

    Yields
    ------
    str
        A difference.
    """
    name = stage.addressing
    if stage.cmd_changed:
        yield f"{name}: its command is not the recorded one; run dvc repro"
    dependencies = []
    for dependency in stage.deps:
        if not isinstance(dependency, ParamsDependency):
            dependencies.append(dependency)
        elif keys := sorted(key for keys in dependency.status().values() for key in keys):
            yield f"{name}: parameters are not as recorded ({first_few(keys)}); run dvc repro"
    yield from _dependency_faults(name, dependencies, hashes, outputs, other)
    for output in stage.outs:
        if not hashes.of(output) and not output.use_cache:
            yield f"{name}: {output} is missing, which Git should hold; run dvc repro"
        elif is_other_version(output, hashes):
            yield f"{name}: {output} is not the recorded version; run dvc pull {output}"
        elif hashes.differ(output):
            yield f"{name}: {output} is not what was recorded; run {repro([name], '--force')}"


def _dependency_faults(
    name: str,
    dependencies: list[Output],
    hashes: Hashes,
    outputs: set[str],
    other: Collection[str],
) -> Iterator[str]:
    """Compare the files that a stage depends on with its record.

    A folder that holds other stages' outputs is compared only where all of these are here.
    """
    changed, missing = [], []
    for dependency in dependencies:
        if not is_complete(dependency, outputs):
            continue
        if dependency.fs_path in other:
            continue
        if hashes.differ(dependency):
            changed.append(str(dependency))
        elif not hashes.of(dependency) and dependency.fs_path not in outputs:
            missing.append(str(dependency))
    if changed:
        yield f"{name}: dependencies are not as recorded ({first_few(changed)}); run dvc repro"
    if missing:
        yield f"{name}: dependencies are missing, which Git should hold ({first_few(missing)})"


def is_other_version(entry: Output, hashes: Hashes) -> bool:
    """Return True if what is here was recorded once, as after ``git pull`` without ``dvc pull``."""
    if not entry.use_cache or not entry.hash_info or not hashes.differ(entry):
        return False
    here = hashes.of(entry)
    return here is not None and bool(entry.repo.cache.local.exists(here.hash))


def is_complete(dependency: Output, outputs: Iterable[str]) -> bool:
    """Return True if every one of all stages' ``outputs`` that is below a dependency is here."""
    folder = dependency.fs_path + os.sep
    return all(Path(output).exists() for output in outputs if output.startswith(folder))
