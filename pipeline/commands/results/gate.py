"""Stop if metrics are worse than at a Git revision.

gate.yaml at that revision says by how much they may be, and accept in the one that is here what is
worse on purpose. By default the revision is where the branch parted from main:

    python -m pipeline gate
    python -m pipeline gate --baseline HEAD~1 --format markdown
"""

import sys
from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the baseline and the format."""
    parser.add_argument("--baseline", metavar="REV", help="a Git revision")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")


def run(arguments: Namespace) -> str:
    """Return the verdicts; exits with status 1 if one fails."""
    from pipeline.compare import gate
    from pipeline.repository import revisions
    from pipeline.verify import gated

    revision = arguments.baseline or revisions.merge_base()
    verdicts = gated.verdicts(revision)
    shown = gate.describe(verdicts, revision, arguments.format)
    if any(verdict.failed for verdict in verdicts):
        sys.stdout.write(shown + "\n")
        sys.exit(1)
    return shown
