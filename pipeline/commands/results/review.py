"""Review a pull request, as CI does: verify, train again, compare, judge.

What is committed is verified, each model predicts again, and the runs that gate.yaml names as
reproduced are made from nothing, in a folder of their own, at the baseline and here. What is
committed has to be what this machine makes: to the byte where it was recorded on this type of
machine. Then the gate judges what this machine made. The exit status is 1 if something stops it:

    python -m pipeline review
    python -m pipeline review --baseline origin/main --format markdown

It takes some minutes. The checkout stays as it is, and must have no changes that are not committed.
"""

import sys
from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the baseline, ``--shared`` and the format."""
    parser.add_argument(
        "--baseline", metavar="REV", help="where the branch parted from main, or REV"
    )
    parser.add_argument(
        "--shared",
        action="store_true",
        help="what changed has to be in DVC's cache, which dvc fetch just filled from the remote",
    )
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")


def run(arguments: Namespace) -> str:
    """Return what was found; exits with status 1 if something stops the pull request."""
    from pipeline.compare import gate
    from pipeline.repository import revisions
    from pipeline.verify.review import review

    revision = arguments.baseline or revisions.merge_base()
    found = review(revision, shared=arguments.shared)
    if arguments.format == "json":
        shown = gate.describe(found.verdicts, revision, "json", found.faults, found.notes)
    else:
        lines = [*found.faults, *found.notes]
        if arguments.format == "markdown":
            lines = [f"- {line}" for line in lines]
        if found.verdicts:
            lines += ["", gate.describe(found.verdicts, revision, arguments.format)]
        shown = "\n".join(lines).strip()
    if not found.passed:
        sys.stdout.write(shown + "\n")
        sys.exit(1)
    return shown
