"""The repository: what DVC has recorded of every stage. The only module that knows DVC."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.api import DVCFileSystem
from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.fs import GitFileSystem
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE
from dvc.scm import RevError
from dvc.utils.serialize import YAMLFileCorruptedError, dump_yaml, parse_yaml
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem
from scmrepo.exceptions import SCMError

from pipeline import files
from pipeline.errors import PipelineError, first_few

LOCK = Path("dvc.lock")


def faults() -> Iterator[str]:
    """Compare every recorded stage with what is here: command, code, data, parameters, outputs.

    Every file is read again; neither DVC's cache nor times and lengths are trusted.

    Yields
    ------
    str
        A difference. Outputs that are not here are none, for they may not have been pulled.
    """
    try:
        stages = Repo(".").index.stages
        with tempfile.TemporaryDirectory() as nowhere:
            hashes = Hashes(Path(nowhere))
            for stage in stages:
                if any(out.hash_info for out in stage.outs):
                    yield from _stage_faults(stage, hashes)
    except DvcException as error:
        raise PipelineError(f"DVC: {' '.join(str(error).split())}") from None


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
    try:
        repo = Repo(".")
        with repo.lock:
            return [*_repair_rwlock(Path(repo.tmp_dir) / RWLOCK_FILE), *_repair_lock(repo)]
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


def _repair_lock(repo: Repo) -> Iterator[str]:
    """Fill ``dvc.lock``, if it was cut short, with what Git has of the stages that it lost."""
    text = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
    try:
        value = parse_yaml(text, LOCK)
    except YAMLFileCorruptedError:
        value = None
    stages = (value.get("stages") or {}) if isinstance(value, dict) else {}
    committed = _committed_lock(repo)
    last = next(reversed(stages), "")
    if not text.endswith("\n") or committed.get(last, {}).keys() - stages.get(last, {}).keys():
        stages.pop(last, None)  # where it was cut
    lost = [name for name in committed if name not in stages]
    if lost or not text.endswith("\n"):
        with files.new_file(LOCK) as work:
            dump_yaml(work, {"schema": "2.0", "stages": committed | stages})
        yield f"{LOCK} was cut short; from Git's last commit came {first_few(lost) or 'nothing'}"


def _committed_lock(repo: Repo) -> dict[str, Any]:
    """The stages in ``dvc.lock`` as of Git's last commit."""
    committed = GitFileSystem(scm=repo.scm, rev="HEAD")
    path = "/" + (Path(repo.root_dir).relative_to(repo.scm.root_dir) / LOCK).as_posix()
    try:
        return dict(parse_yaml(committed.read_text(path), path)["stages"])
    except (FileNotFoundError, RevError):  # no such file, no commit at all
        return {}


class Revision:
    """The files of a Git revision, Git's and DVC's, brought into ``folder`` when asked for.

    Raises
    ------
    PipelineError
        If there is no such revision.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        try:
            repo = Repo(".")
            self.fs = DVCFileSystem(rev=repo.scm.resolve_rev(name), subrepos=True)
        except SCMError:
            raise PipelineError(f"there is no Git revision {name}") from None

        self.root = Path(repo.root_dir).relative_to(repo.scm.root_dir)

    def find(self, path: Path) -> Path | None:
        """The revision's version of a file; None if it has none, or DVC neither has nor gets it."""
        here = self.folder / path
        if not here.exists():
            here.parent.mkdir(parents=True, exist_ok=True)
            try:
                self.fs.get_file(str(self.root / path), str(here))
            except (DvcException, OSError):
                here.unlink(missing_ok=True)
                return None
        return here

    def names(self, folder: Path) -> set[str]:
        """The names of what is in a folder."""
        there = str(self.root / folder)
        if not self.fs.exists(there):
            return set()
        return {Path(name).name for name in self.fs.ls(there, detail=False)}


def merge_base(branch: str = "main") -> str:
    """Where this branch and ``branch`` (the remote's, if there is one) parted, as a commit.

    Raises
    ------
    PipelineError
        If there is no such branch, or no common commit.
    """
    git = Repo(".").scm.pygit2.repo
    for name in f"refs/remotes/origin/{branch}", f"refs/heads/{branch}":
        if name in git.references:
            base = git.merge_base(git.head.target, git.references[name].target)
            if base is None:
                raise PipelineError(
                    f"there is no commit in common with {branch}; fetch more of the history (git "
                    "fetch --unshallow), or name a revision with --baseline"
                )
            return str(base)
    raise PipelineError(f"there is no branch {branch}; name a revision with --baseline")


class Hashes:
    """DVC's hashes of files and folders, each computed once, from the bytes."""

    def __init__(self, folder: Path) -> None:
        self.fs = LocalFileSystem()
        self.database = HashFileDB(self.fs, str(folder))
        self.known: dict[str, str | None] = {}

    def of(self, path: str) -> str | None:
        """The hash of a file or folder, None if it is not here."""
        if path not in self.known:
            self.known[path] = None
            if self.fs.exists(path):
                _, _, found = build(self.database, path, self.fs, "md5", dry_run=True)
                self.known[path] = found.hash_info.value
        return self.known[path]


def _stage_faults(stage: Any, hashes: Hashes) -> Iterator[str]:
    name = stage.addressing
    if stage.cmd_changed:
        yield f"{name}: its command is not the recorded one; run dvc repro"
    for dependency in stage.deps:
        if isinstance(dependency, ParamsDependency):
            changed = [key for keys in dependency.status().values() for key in keys]
            if changed:
                yield (
                    f"{name}: parameters are not the recorded ones ({first_few(sorted(changed))}); "
                    "run dvc repro"
                )
        elif hashes.of(dependency.fs_path) not in (None, dependency.hash_info.value):
            yield f"{name}: its dependency {dependency} is not the recorded one; run dvc repro"
    for output in stage.outs:
        found = hashes.of(output.fs_path)
        if found is None and not output.use_cache:
            yield f"{name}: {output} is missing, which Git should hold; run dvc repro"
        if found not in (None, output.hash_info.value):
            yield f"{name}: {output} is not what was recorded; run dvc repro --force {name}"
