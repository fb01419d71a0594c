"""What Git names of DVC's objects: by any branch, tag or experiment, here or on Git's remotes."""

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pygit2

from pipeline.core import files
from pipeline.core.errors import PipelineError, shown

OWN = "refs/unused"
"""Where the remotes' branches are kept, apart from the user's own references."""
KINDS = "heads", "tags", "exps"
HASH = re.compile(rb"\b[0-9a-f]{32}(?:\.dir)?")
OUTPUT = re.compile(rb"path: (\S.*)\n(?: +hash: .*\n)? +md5: ([0-9a-f]{32}(?:\.dir)?)\n")
TAKES = 600
"""Seconds for Git to fetch from one remote."""


def fetch(folder: Path) -> list[str]:
    """Fetch all branches, tags and experiments of all of Git's remotes, beside the user's own.

    The user's branches, tags and ``refs/remotes`` stay as they are.

    Returns
    -------
    list of str
        The remotes' names.

    Raises
    ------
    PipelineError
        If one cannot be reached, for what is there is then unknown.
    """
    remotes = [remote.name for remote in pygit2.Repository(str(folder)).remotes if remote.name]
    for name in remotes:
        specs = [f"+refs/{kind}/*:{OWN}/{name}/{kind}/*" for kind in KINDS]
        options = ["--quiet", "--prune", "--no-tags", "--refmap="]
        command = ["git", "-C", str(folder), "fetch", *options, name]
        try:
            done = subprocess.run(  # noqa: S603 - a remote's name begins with no dash
                [*command, *specs], capture_output=True, text=True, check=False, timeout=TAKES
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PipelineError(f"git fetch {shown(name)} does not end or start: {error}") from None
        if done.returncode:
            why = shown(" ".join(done.stderr.split()), 300)
            raise PipelineError(
                f"git fetch {shown(name)} fails ({why}); without it, branches that are only there "
                "would lose their data"
            )
    return remotes


class Named:
    """The objects that a project's files name, at the tip of each of Git's references, and here.

    Whatever looks like an object's hash in a ``dvc.lock`` or ``.dvc`` file counts.

    Parameters
    ----------
    folder : Path
        A folder of a Git repository.
    fetched : sequence of str
        The remotes that were fetched (``fetch``), whose ``refs/remotes`` are older, and not read.
    """

    def __init__(self, folder: Path, fetched: list[str]) -> None:
        found = pygit2.discover_repository(str(folder))
        if found is None:
            raise PipelineError(f"{shown(str(folder))} is in no Git repository")
        self.git = pygit2.Repository(found)
        self.older = tuple(f"refs/remotes/{name}/" for name in fetched)
        self.hashes: set[str] = set()
        self.blobs: set[pygit2.Oid] = set()
        for commit in self._tips():
            self._read(commit.tree)
        for path in _files_here(Path(self.git.workdir or folder)):
            self._add(files.read_bytes(path))

    def paths(self) -> dict[str, set[str]]:
        """Return by hash the paths under which all of history names an object."""
        paths: dict[str, set[str]] = defaultdict(set)
        seen: set[pygit2.Oid] = set()
        walker = self.git.walk(None)
        for commit in self._tips():
            walker.push(commit.id)
        for commit in walker:
            for blob in _locks(commit.tree):
                if blob.id not in seen:
                    seen.add(blob.id)
                    for path, oid in OUTPUT.findall(blob.data):
                        paths[oid.decode()].add(shown(path.decode(errors="replace")))
        return paths

    def _tips(self) -> Iterator[pygit2.Commit]:
        names = [name for name in self.git.references if not name.startswith(self.older)]
        if not self.git.head_is_unborn:
            names.append("HEAD")
        for name in names:
            try:
                yield self.git.references[name].peel(pygit2.Commit)
            except (KeyError, ValueError, pygit2.GitError):  # a tag of a file, or a broken one
                continue

    def _read(self, tree: pygit2.Tree) -> None:
        for blob in _locks(tree, deep=True, seen=self.blobs):
            self._add(blob.data)

    def _add(self, content: bytes) -> None:
        self.hashes.update(found.decode() for found in HASH.findall(content))


def _is_lock(name: str) -> bool:
    return name == "dvc.lock" or name.endswith(".dvc")


def _locks(
    tree: pygit2.Tree, *, deep: bool = False, seen: set[pygit2.Oid] | None = None
) -> Iterator[pygit2.Blob]:
    """Yield the files of a tree that name objects; not ``deep``: of it and its folders alone.

    What is in ``seen`` is left out, and what is found is added to it.
    """
    waiting = [(tree, 0)]
    while waiting:
        here, depth = waiting.pop()
        for entry in here:
            if seen is not None and entry.id in seen:
                continue
            if isinstance(entry, pygit2.Tree) and (deep or not depth):
                waiting.append((entry, depth + 1))
            elif isinstance(entry, pygit2.Blob) and _is_lock(str(entry.name)):
                yield entry
            else:
                continue
            if seen is not None:
                seen.add(entry.id)


def _files_here(root: Path) -> Iterator[Path]:
    """Yield the files of the working directory that name objects, also those Git does not know."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".dvc", ".git", ".venv"))]
        paths = (Path(folder, name) for name in names if _is_lock(name))
        yield from (path for path in paths if path.is_file())
