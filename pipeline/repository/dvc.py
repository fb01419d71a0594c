"""The project's DVC repository, opened with DVC's errors turned into one line of ours."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pygit2
from dvc.config import Config
from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.ignore import DvcIgnoreFilter
from dvc.repo import Repo
from dvc.repo.index import Index
from dvc.utils import strictyaml
from dvc.utils.serialize import _yaml
from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError
from scmrepo.exceptions import SCMError

from pipeline.core import places
from pipeline.core.errors import PipelineError, shown

LOCK = Path("dvc.lock")
GRAPH = "dvc.yaml"
UNKNOWN = re.compile(r"extra keys not allowed @ data\['remote'\]\['(.*?)'\]\['(.*?)'\]")
"""What DVC says of a remote's settings that its URL's kind does not have."""
MAIN = "main"
"""The folder in a study's, with links by which its stages name what the main project has."""
READ = (
    *(".dvcignore", ".dvc/config", ".dvc/config.local", "*.yaml", "*.lock", "*.dvc"),
    *("*/dvc.yaml", "*/dvc.lock", "*/params.yaml", "data/*/*.dvc"),
)
"""Files that DVC reads whenever it is opened, and would read without an end."""


parse_yaml = _yaml.parse_yaml
"""As DVC has it, which parses ``params.yaml`` again for each stage."""


@lru_cache(maxsize=16)
def _parsed(text: str, path: str) -> Any:
    return parse_yaml(text, path)


def _parse(text: str, path: str | Path, typ: str = "safe") -> Any:
    """Return what DVC's ``parse_yaml`` does, and parse a text once in a process."""
    # A copy, since what it returns may be changed; "rt" holds comments, and is for writing.
    return deepcopy(_parsed(text, f"{path}")) if typ == "safe" else parse_yaml(text, path, typ)


_yaml.parse_yaml = strictyaml.parse_yaml = _parse


class _Ignored(DvcIgnoreFilter):  # type: ignore[misc]
    """What DVC ignores, but for projects within the project, which are the studies."""

    def _update_sub_repo(self, path: str, ignore_trie: Any) -> None:
        """Leave out what DVC does here: to ignore ``path`` if it is a project."""


class _Project(Repo):  # type: ignore[misc]
    """The project with its studies: their stages stand among its own."""

    @cached_property
    def dvcignore(self) -> DvcIgnoreFilter:
        return _Ignored(self.fs, self.root_dir)

    @cached_property
    def index(self) -> Index:
        """All stages; what a study's depend on is named as the main project's stages name it."""
        index = Index.from_repo(self)
        for stage in index.stages:
            for entry in stage.deps:
                # Parameters are recorded by this path; they are the same behind a link.
                if not isinstance(entry, ParamsDependency):
                    entry.fs_path = place(stage, entry.fs_path)
        return index


def place(stage: Any, path: str) -> str:
    """Return the absolute path of what a stage reads or writes.

    Where a study's stage names it by a link, it is the path that the main project's stages have.
    """
    absolute, folder = Path(stage.wdir, path), Path(stage.wdir)
    inside = absolute.relative_to(folder).parts if absolute.is_relative_to(folder) else ()
    if inside[:1] == (MAIN,) and len(inside) > 1:
        return f"{folder.parent.joinpath(*inside[1:])}"
    # A study with the main project's own stages has the links beside its dvc.yaml.
    if inside and (folder / inside[0]).is_symlink():
        linked = folder.parent / inside[0]
        if linked.exists() and (folder / inside[0]).samefile(linked):
            return f"{linked.joinpath(*inside[1:])}"
    return f"{absolute}"


@contextmanager
def opened(*, studies: bool = True) -> Iterator[Repo]:
    """Yield the repository of the working directory.

    Parameters
    ----------
    studies : bool
        Whether the stages of its studies stand among its own.

    Raises
    ------
    PipelineError
        In place of any error of DVC that is raised in the body, or where it would wait for a FIFO.
    """
    with _told(), _Project(".") if studies else Repo(".") as repo:
        yield repo


@contextmanager
def settings() -> Iterator[Config]:
    """Yield DVC's settings as they are, whether they fit together or not.

    Raises
    ------
    PipelineError
        As of ``opened``.
    """
    with _told():
        yield Config.from_cwd(validate=False)


@contextmanager
def _told() -> Iterator[None]:
    """Raise PipelineError in place of DVC's errors, and where DVC would read without an end."""
    for pattern in READ:
        for path in sorted(Path().glob(pattern)):
            if not (path.is_file() or path.is_dir()):
                raise PipelineError(f"{path} is no plain file, which DVC reads; remove it")
    try:
        yield
    except DvcException as error:
        raise PipelineError(_explained(error)) from None


def repro(names: Iterable[str], *options: str) -> str:
    """Return the commands that run stages, those of a study in its folder.

    Examples
    --------
    >>> repro(["train@a", "study/dvc.yaml:train@b"], "--force")
    'dvc repro --force train@a && dvc --cd study repro --force train@b'
    """
    folders: dict[str, list[str]] = {}
    for name in names:
        folder, _, stage = name.rpartition(f"/{GRAPH}:")
        folders.setdefault(folder, []).append(stage)
    commands = [
        " ".join(["dvc", *(["--cd", folder] if folder else []), "repro", *options, *stages])
        for folder, stages in folders.items()
    ]
    return " && ".join(commands)


def checkout(repo: Repo, outs: Sequence[Any], *, force: bool = False) -> None:
    """Put outputs that the cache has into their places.

    Raises
    ------
    DataError
        If a place is reached by a link, which DVC would follow and remove what it leads to.
    """
    targets = [Path(os.path.relpath(out.fs_path)) for out in outs]
    for out, path in zip(outs, targets, strict=True):
        places.check(path if out.is_dir_checksum else path.parent)
    if targets:
        repo.checkout(targets=[f"{path}" for path in targets], force=force)


def commit(repo: Repo, name: str) -> str:
    """Return the hash of the commit that a Git revision is.

    Raises
    ------
    PipelineError
        If there is no such revision, or it is a folder or a file.
    """
    try:
        oid = repo.scm.resolve_rev(name)
    except (SCMError, ValueError):  # ValueError: too long, or no Unicode
        raise PipelineError(f"there is no Git revision {shown(name)}") from None
    try:
        return str(repo.scm.pygit2.repo[oid].peel(pygit2.Commit).id)
    except (KeyError, ValueError, pygit2.GitError):
        raise PipelineError(
            f"{shown(name)} is no Git revision, but a folder or a file of one; name the commit"
        ) from None


def stages(text: str, path: Path) -> dict[str, dict[str, Any]]:
    """Return the records of the stages in the text of a ``dvc.lock``, by name.

    Raises
    ------
    PipelineError
        If the text is not what DVC writes.
    """
    try:
        value = _parse(text, path) or {}
        found = value.get("stages") or {}
        for entry in found.values():
            for one in (*entry.get("deps", ()), *entry.get("outs", ())):
                Path(one["path"])
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise PipelineError(_damaged(path)) from None
    return dict(found)


def _explained(error: DvcException) -> str:
    """Return DVC's message on one line; of a ``dvc.lock`` that it cannot read, what mends it."""
    if isinstance(error, YAMLSyntaxError | YAMLValidationError):
        path = Path(error.path)
        if path.name == LOCK.name and isinstance(error, YAMLSyntaxError) and error.hint:
            return f"{path} is in conflict; run: make resolve-lock"
        if path.name == LOCK.name:
            return _damaged(path)
    said = " ".join(str(error).split())
    if found := UNKNOWN.search(said):
        name, setting = found.groups()
        return (
            f"the remote {name} has the setting {setting}, which is of another kind of remote; "
            "run: make remote"
        )
    return f"DVC: {said}"


def _damaged(path: Path) -> str:
    return f"{path} was cut short, or edited; run: make repair, or git checkout {path}"
