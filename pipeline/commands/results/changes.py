"""Show learning curves and confusion matrices before and after a change.

In Markdown, as CI shows them in a pull request. By default, before is where the branch parted from
main:

    python -m pipeline changes
    python -m pipeline changes --baseline HEAD~1
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def arguments(parser: ArgumentParser) -> None:
    """Add the baseline."""
    parser.add_argument("--baseline", metavar="REV", help="a Git revision")


def run(arguments: Namespace) -> str:
    """Return Markdown, for CI's summary of a job."""
    import tempfile

    from pipeline.compare import changes
    from pipeline.core import paths
    from pipeline.repository import revisions

    revision = arguments.baseline or revisions.merge_base()
    with tempfile.TemporaryDirectory() as folder:
        baseline, here = revisions.Revision(revision, Path(folder)), revisions.Here()
        runs = baseline.names(paths.METRICS / "runs") | here.names(paths.METRICS / "runs")
        return changes.describe(sorted(runs), baseline.find, here.find)
