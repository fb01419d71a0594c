"""Git revisions: their files, and where branches parted. Knows DVC, as ``repo`` does."""

from pathlib import Path

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from pipeline.core.errors import PipelineError
from pipeline.repository import dvc


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
        with dvc.opened() as project:
            try:
                revision = project.scm.resolve_rev(name)
            except SCMError:
                raise PipelineError(f"there is no Git revision {name}") from None
            self.root = Path(project.root_dir).relative_to(project.scm.root_dir)
        self.fs = DVCFileSystem(rev=revision, subrepos=True)

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


class Here:
    """The files that are here, asked for as those of a ``Revision``."""

    def find(self, path: Path) -> Path | None:
        """A file; None if it is not here."""
        return path if path.exists() else None

    def names(self, folder: Path) -> set[str]:
        """The names of what is in a folder."""
        return {path.name for path in folder.iterdir()} if folder.exists() else set()


def merge_base(branch: str = "main") -> str:
    """Where this branch and ``branch`` (the remote's, if there is one) parted, as a commit.

    Raises
    ------
    PipelineError
        If there is no such branch, or no common commit.
    """
    with dvc.opened() as project:
        git = project.scm.pygit2.repo
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
