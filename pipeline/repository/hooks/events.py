"""What Git tells its hooks, by itself or through the program pre-commit: what has changed."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RECORDED = ("dvc.lock",)
"""What names the data that belong to a revision."""
TRACKED = ("*.py", "*.yaml", "dvc.lock", "metrics")
"""What a stage may depend on, or has written."""
NOTHING = "0" * 40
"""In place of a commit, where there is none."""


def concerns_data(name: str, arguments: Sequence[str]) -> bool:
    """Return True if what Git did, or is about to do, may concern data; without loading DVC.

    Parameters
    ----------
    name : str
        The hook's.
    arguments : sequence of str
        What Git gives a hook of this name; pre-commit has it in the environment instead.
    """
    if name == "post-checkout":
        before, after, kind = (
            _given(arguments, name, place)
            for place, name in enumerate(("FROM_REF", "TO_REF", "CHECKOUT_TYPE"))
        )
        if kind != "1" or _is_rebasing():  # single files; of a rebase, `post-rewrite` tells the end
            return False
        return _differs(f"{before}..{after}", RECORDED)
    if name == "post-rewrite" and _given(arguments, "REWRITE_COMMAND", 0) != "rebase":
        return False
    if name in ("post-merge", "post-rewrite"):
        return _differs("ORIG_HEAD", RECORDED)
    if name == "pre-commit":
        return _differs("--cached", TRACKED)
    return any(
        new != NOTHING and _differs(f"{old}..{new}" if old != NOTHING else NOTHING, RECORDED)
        for old, new in _pushed()
    )


def _given(arguments: Sequence[str], variable: str, place: int) -> str:
    if len(arguments) > place:
        return arguments[place]
    return os.environ.get(f"PRE_COMMIT_{variable}", "")


def _pushed() -> list[tuple[str, str]]:
    """Return what is pushed: the commit that the remote has, and that which it gets."""
    if "PRE_COMMIT" in os.environ:  # of a whole history it has no commits
        return [(_given((), "FROM_REF", 0) or NOTHING, _given((), "TO_REF", 0) or "HEAD")]
    lines = [line.split() for line in sys.stdin]
    return [(line[3], line[1]) for line in lines if len(line) == 4]


def _differs(revision: str, paths: Sequence[str]) -> bool:
    """Return True if files differ from a revision, or Git does not know that."""
    return _git("diff", "--quiet", revision, "--", *paths).returncode != 0


def _is_rebasing() -> bool:
    return Path(_git("rev-parse", "--git-path", "rebase-merge").stdout.strip()).is_dir()


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    return subprocess.run(  # noqa: S603 - what Git gives its hooks
        command, check=False, capture_output=True, text=True
    )
