"""The repository: what DVC has recorded of each stage.

Knows DVC, as `revisions`, `merging`, `remotes` and `cache` do.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.fs import GitFileSystem
from dvc.output import Output
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE
from dvc.scm import RevError
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import YAMLFileCorruptedError, dump_yaml, parse_yaml
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash import file_md5
from dvc_objects.fs.local import LocalFileSystem

from pipeline.core import files
from pipeline.core.errors import PipelineError, first_few
from pipeline.execution import workers

LOCK = Path("dvc.lock")


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


def remote_faults(name: str) -> Iterator[str]:
    """Compare what a remote holds with what ``dvc.lock`` records, object by object.

    Each is fetched and hashed: DVC itself asks its own index of what it once pushed, and takes a
    folder for complete if the list of its files is there.

    Parameters
    ----------
    name : str
        The remote; empty for DVC's default one.

    Yields
    ------
    str
        What is missing or damaged on the remote, and how to mend it.

    Raises
    ------
    PipelineError
        If there is no such remote, it cannot be read, or it holds nothing of what is recorded.
    """
    with opened() as repo:
        name = name or repo.config["core"].get("remote")
        if not name:
            raise PipelineError("there is no default remote; make one: dvc remote add -d NAME URL")
        remote = Remote(repo.cloud.get_remote_odb(name, "push"))
        outs = [out for stage in repo.index.stages for out in stage.outs if out.use_cache]
        recorded = {out.hash_info.value: str(out) for out in outs if out.hash_info}
        states = remote.states(recorded)
        if recorded and set(states.values()) == {"missing"}:
            raise PipelineError(
                f"the remote {name} ({remote.url()}) holds nothing of what {LOCK} records; "
                f"fill it: dvc push -r {name}"
            )
        for oid, path in recorded.items():
            yield from _mending(name, path, states[oid], [remote.url(oid)])
        for folder_oid, members in remote.lists.items():
            states = remote.states(members)
            for oid, path in members.items():
                places = [remote.url(oid), remote.url(folder_oid)]
                yield from _mending(name, f"{recorded[folder_oid]}/{path}", states[oid], places)


def repair() -> list[str]:
    """Mend what DVC leaves when it is killed while it writes.

    It writes ``dvc.lock``, and the file in which it notes what it reads and writes, in place. The
    stages that are lost from the former are taken from Git's last commit; those that were run
    since are in DVC's cache of runs, from which the next ``dvc repro`` takes them.

    Returns
    -------
    list of str
        What was mended.

    Raises
    ------
    PipelineError
        If DVC is at work.
    """
    with opened() as repo, repo.lock:
        root = Path(repo.root_dir)
        found = list(_repair_rwlock(Path(repo.tmp_dir) / RWLOCK_FILE))
        for lock in (root / LOCK, *sorted(root.glob(f"*/{LOCK}"))):
            found += _repair_lock(repo, lock)
        return found


@contextmanager
def opened() -> Iterator[Repo]:
    """The repository of this folder; DVC's errors become ours."""
    try:
        with Repo(".") as repo:
            yield repo
    except DvcException as error:
        raise PipelineError(f"DVC: {' '.join(str(error).split())}") from None


def _repair_rwlock(path: Path) -> Iterator[str]:
    try:
        json.loads(path.read_text())
    except FileNotFoundError:
        pass
    except ValueError:
        path.unlink()
        yield f"{os.path.relpath(path)} was cut short, and removed"


def _repair_lock(repo: Repo, lock: Path) -> Iterator[str]:
    """Fill a ``dvc.lock``, if it was cut short, with what Git has of the stages that it lost."""
    text = lock.read_text(encoding="utf-8") if lock.exists() else ""
    try:
        value = parse_yaml(text, lock)
    except YAMLFileCorruptedError:
        value = None
    stages = (value.get("stages") or {}) if isinstance(value, dict) else {}
    committed = _committed_lock(repo, lock)
    last = next(reversed(stages), "")
    if not text.endswith("\n") or committed.get(last, {}).keys() - stages.get(last, {}).keys():
        stages.pop(last, None)  # where it was cut
    lost = [name for name in committed if name not in stages]
    if lost or not text.endswith("\n"):
        with files.new_file(lock) as work:
            dump_yaml(work, {"schema": "2.0", "stages": committed | stages})
        name = os.path.relpath(lock)
        yield f"{name} was cut short; from Git's last commit came {first_few(lost) or 'nothing'}"


def _committed_lock(repo: Repo, lock: Path) -> dict[str, Any]:
    """The stages in a ``dvc.lock`` as of Git's last commit."""
    committed = GitFileSystem(scm=repo.scm, rev="HEAD")
    path = "/" + lock.relative_to(repo.scm.root_dir).as_posix()
    try:
        return dict(parse_yaml(committed.read_text(path), path)["stages"])
    except (FileNotFoundError, RevError):  # no such file, no commit at all
        return {}


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


class Remote:
    """The objects of a DVC remote, fetched and hashed one by one.

    Attributes
    ----------
    lists : dict
        By its hash, each folder's list of files that was found whole: path by hash of the content.
    """

    def __init__(self, database: HashFileDB) -> None:
        self.database = database
        self.lists: dict[str, dict[str, str]] = {}

    def url(self, oid: str = "") -> str:
        """Where an object is, or the whole store."""
        path = self.database.oid_to_path(oid) if oid else self.database.path
        return str(self.database.fs.unstrip_protocol(path))

    def states(self, oids: Iterable[str]) -> dict[str, str]:
        """For each object ``missing``, ``damaged`` or, if it is whole, an empty text."""
        wanted = list(oids)
        tasks = [partial(self._state, oid) for oid in wanted]
        return dict(zip(wanted, workers.run(tasks, "verify", "objects"), strict=True))

    def _state(self, oid: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "object")
            try:
                self.database.fs.get_file(self.database.oid_to_path(oid), str(path))
            except FileNotFoundError:
                return "missing"
            except Exception as error:  # each of DVC's file systems has its own
                reason = " ".join(str(error).split()) or type(error).__name__
                raise PipelineError(f"{self.url(oid)} cannot be read: {reason}") from None
            if file_md5(str(path)) != oid.removesuffix(".dir"):
                return "damaged"
            if oid.endswith(".dir"):
                entries = json.loads(path.read_bytes())
                self.lists[oid] = {entry["md5"]: entry["relpath"] for entry in entries}
        return ""


def _mending(remote: str, path: str, state: str, objects: list[str]) -> Iterator[str]:
    """What is to do for a path whose object is missing or damaged.

    DVC pushes nothing over what is there, and nothing into a folder whose list is there.
    """
    if state:
        there = objects[state == "missing" :]
        remove = f"remove {' and '.join(there)}, then " if there else ""
        yield f"{path} is {state} on the remote {remote}; {remove}run dvc push -r {remote}"
