"""Git revisions: their files, whether Git's or DVC's, and where branches parted."""

from pathlib import Path

from dvc.api import DVCFileSystem

from pipeline.core import places
from pipeline.core.errors import PipelineError, shown
from pipeline.repository.dvc import commit, opened


class Revision:
    """The files of a Git revision, each written below ``folder`` when it is first asked for.

    Raises
    ------
    PipelineError
        If there is no such revision.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        with opened() as repo:
            revision = commit(repo, name)
            self.root = Path(repo.root_dir).relative_to(repo.scm.root_dir)
        self.fs = DVCFileSystem(rev=revision, subrepos=True)

    def find(self, path: Path) -> Path | None:
        """Return the revision's version of a file.

        None if the revision has no such file, or DVC neither has nor gets it.
        """
        if path.is_absolute() or ".." in path.parts:
            raise PipelineError(f"{shown(str(path))} is not within the project")
        here = self.folder / path
        if not here.exists():
            places.make_folder(here.parent)
            try:
                self.fs.get_file(str(self.root / path), str(here))
            except Exception:  # each kind of remote has errors of its own, as want of credentials
                places.remove(here)
                return None
        return here

    def names(self, folder: Path) -> set[str]:
        """Return the names of the files and folders in a folder."""
        there = str(self.root / folder)
        if not self.fs.isdir(there):
            return set()
        return {Path(name).name for name in self.fs.ls(there, detail=False)}


class Here:
    """The files that are here, with the methods of a ``Revision``."""

    def find(self, path: Path) -> Path | None:
        """Return a file; None if it is not here."""
        return path if path.exists() else None

    def names(self, folder: Path) -> set[str]:
        """Return the names of the files and folders in a folder."""
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def merge_base(branch: str = "main") -> str:
    """Return the commit at which this branch and ``branch`` parted.

    Of two branches of that name, the remote ``origin``'s comes first.

    Raises
    ------
    PipelineError
        If there is no such branch, or no common commit.
    """
    with opened() as repo:
        git = repo.scm.pygit2.repo
    if git.head_is_unborn:
        raise PipelineError("this branch has no commit yet; name a revision with --baseline")
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
