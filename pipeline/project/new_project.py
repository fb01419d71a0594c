"""A Git repository of one's own with the pipeline, and the branch that brings later versions.

The branch ``pipeline`` holds each version that was taken, as one commit whose message ends with the
commit that it was made of. The project starts from the first, and merges the later ones: what Git
then sees is what the pipeline changed, and not what was left out of it.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import pipeline
from pipeline.core import files, places
from pipeline.core.errors import InstallationError, PipelineError, shown
from pipeline.project import own_project

BRANCH = "pipeline"
FIRST = "main"
"""The branch that a new project is on."""
TRAILER = "Pipeline-Commit"
NO_IDENTITY = (
    "Git does not know who you are, and the project begins with a commit; tell it: "
    "git config --global user.name NAME, and git config --global user.email ADDRESS"
)


def create(folder: Path) -> str:
    """Make a project of one's own of the pipeline's last commit; return what was made, in words.

    Raises
    ------
    PipelineError
        If the folder is not empty, this is no checkout of the pipeline, or Git has no identity.
    """
    source = _source()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise PipelineError(f"{_shown(folder)} is there and is no folder; choose another place")
    if folder.is_dir() and any(folder.iterdir()):
        raise PipelineError(
            f"{_shown(folder)} is not empty; choose another place, or take this version into a "
            "project that is there: --update"
        )
    if _is_within(folder):
        raise PipelineError(
            f"{_shown(folder)} is within the pipeline's own folder; choose a place outside of it"
        )
    with tempfile.TemporaryDirectory() as scratch:
        work = _checked_out(Path(scratch))
        _refuse_nobody(Path(scratch))
        files.write_text(work / own_project.README, own_project.readme(folder.resolve().name))
        _git("init", "-q", "-b", FIRST, f"{folder}")
        commit = _committed(folder, work, source, None)
    for branch in (BRANCH, FIRST):
        _git("update-ref", f"refs/heads/{branch}", commit, folder=folder)
    _git("reset", "-q", "--hard", folder=folder)
    return f"{_shown(folder)}: a project of your own, with one commit ({_version(source)})"


def update(folder: Path) -> bool:
    """Take the pipeline's last commit into a project's branch; return False if it has it already.

    Raises
    ------
    PipelineError
        If the folder is no project that ``create`` made, or this is no checkout of the pipeline.
    """
    source = _source()
    last = _last_taken(folder)
    with tempfile.TemporaryDirectory() as scratch:
        work = _checked_out(Path(scratch))
        _refuse_nobody(folder)
        # Its text is the project's from the first commit on.
        old = _git("show", f"{last}:{own_project.README}", folder=folder, strip=False)
        files.write_text(work / own_project.README, old)
        commit = _committed(folder, work, source, last)
    if _tree(folder, commit) == _tree(folder, last):
        return False
    _git("update-ref", f"refs/heads/{BRANCH}", commit, folder=folder)
    return True


def _source() -> str:
    """Return the last commit of the pipeline, in whose folder this is; raise PipelineError else."""
    remedy = "run this in a clone of the pipeline"
    if not Path("pipeline/project/new_project.py").is_file() or not Path("dvc.yaml").is_file():
        raise PipelineError(f"this folder is not the pipeline's; {remedy}")
    if _tried("rev-parse", "--show-prefix") != "":
        raise PipelineError(f"this folder is no Git repository; {remedy}: git clone")
    if _last_with_trailer(Path()):
        raise PipelineError(f"this is a project of one's own; {remedy}, which has all its files")
    return _git("rev-parse", "HEAD")


def _last_taken(folder: Path) -> str:
    """Return the commit of a project that is the pipeline's version it took last."""
    if not folder.is_dir() or _tried("rev-parse", "--show-prefix", folder=folder) != "":
        raise PipelineError(f"{_shown(folder)} is no Git repository; name the project's folder")
    ours = f"refs/heads/{BRANCH}"
    has_branch = _tried("rev-parse", "-q", "--verify", ours, folder=folder) is not None
    last = _last_with_trailer(folder, *([ours] if has_branch else []))
    if last is None:
        raise PipelineError(
            f"{_shown(folder)} has no commit of the pipeline; later versions go into a project "
            "that this command made, with its whole history"
        )
    if has_branch and _git("rev-parse", ours, folder=folder) != last:
        raise PipelineError(
            f"the branch {BRANCH} of {_shown(folder)} is not the pipeline's last version there; "
            f"rename it: git branch -m {BRANCH} NAME"
        )
    return last


def _last_with_trailer(folder: Path, *others: str) -> str | None:
    """Return the newest commit with the trailer, of a folder's branch and others."""
    pattern = f"--grep=^{TRAILER}: [0-9a-f]\\{{40,64\\}}$"
    return _tried("log", "-1", "--format=%H", pattern, "HEAD", *others, folder=folder) or None


def _checked_out(scratch: Path) -> Path:
    """Write the last commit's files into a folder, without what was made with them; return it."""
    work = scratch / "files"
    index = {"GIT_INDEX_FILE": f"{scratch / 'index'}"}
    _git("read-tree", "HEAD", environment=index)
    _git("checkout-index", "-q", "-a", f"--prefix={work}{os.sep}", environment=index)
    places.remove(scratch / "index")
    own_project.strip(work)
    return work


def _committed(folder: Path, work: Path, source: str, parent: str | None) -> str:
    """Commit a folder's files to a project's repository, on no branch; return the commit."""
    index = {"GIT_INDEX_FILE": f"{work.parent / 'index'}"}
    tree_ = f"--work-tree={work}"
    repository = f"--git-dir={_git('rev-parse', '--absolute-git-dir', folder=folder)}"
    _git(repository, tree_, "add", "-A", "-f", ".", folder=work, environment=index)
    tree = _git(repository, tree_, "write-tree", folder=work, environment=index)
    message = f"The pipeline: {_version(source)}\n\n{TRAILER}: {source}\n"
    parents = ["-p", parent] if parent else []
    return _git("commit-tree", *parents, "-m", message, tree, folder=folder)


def _refuse_nobody(folder: Path) -> None:
    """Raise InstallationError if Git has no name and address for commits in a folder."""
    if _tried("var", "GIT_COMMITTER_IDENT", folder=folder) is None:
        raise InstallationError(NO_IDENTITY)


def _version(source: str) -> str:
    return f"image-pipeline {pipeline.__version__}, {source[:10]}"


def _tree(folder: Path, commit: str) -> str:
    return _git("rev-parse", f"{commit}^{{tree}}", folder=folder)


def _is_within(folder: Path) -> bool:
    return folder.resolve().is_relative_to(Path.cwd())


def _shown(folder: Path) -> str:
    return shown(str(folder), 160)


def _tried(*arguments: str, folder: Path | None = None) -> str | None:
    """Run Git; return what it prints, None if it fails."""
    try:
        return _git(*arguments, folder=folder)
    except PipelineError:
        return None


def _git(
    *arguments: str,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
    strip: bool = True,
) -> str:
    """Run Git, in a folder; return what it prints, or raise PipelineError with its last line."""
    place = ["-C", f"{folder}"] if folder else []
    try:
        done = subprocess.run(  # noqa: S603 - what a user named is a folder behind -C, or the last
            ["git", *place, *arguments],  # noqa: S607
            env=os.environ | (environment or {}),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise InstallationError("Git is missing; install it") from None
    if done.returncode:
        reason = shown(" ".join(done.stderr.split()), 300)
        raise PipelineError(f"git {arguments[0]} failed: {reason}")
    return done.stdout.strip() if strip else done.stdout
