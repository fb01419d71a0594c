"""Make a project of your own: the pipeline without its runs and metrics.

It is a Git repository with one commit, in which DVC works at once. One small dataset stays, to try
it with. Run this in a clone of the pipeline. From a later version, --update puts what changed on
the project's branch pipeline, which you merge; docs/own-project.md has more:

    python -m pipeline new-project ../pets
    python -m pipeline new-project ../pets --update
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def arguments(parser: ArgumentParser) -> None:
    """Add the place, and whether a project is there."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="an empty or a new folder")
    parser.add_argument(
        "--update", action="store_true", help="take this version into the project that is there"
    )


def run(arguments: Namespace) -> str:
    """Return what was made, and the next step."""
    import shlex

    from pipeline.project import new_project

    folder, place = arguments.folder, shlex.quote(str(arguments.folder))
    if not arguments.update:
        return f"{new_project.create(folder)}\nNow: cd {place} && make demo"
    if not new_project.update(folder):
        return f"{folder} has this version already"
    return (
        f"This version is on the branch {new_project.BRANCH} of {folder}. Now: cd {place} && "
        f"git merge {new_project.BRANCH}"
    )
