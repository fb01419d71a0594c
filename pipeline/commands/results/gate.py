"""Stop if metrics are worse than at a Git revision.

gate.yaml at that revision says by how much they may be, and accept in the one that is here what is
worse on purpose. By default the revision is where the branch parted from main:

    python -m pipeline gate
    python -m pipeline gate --baseline HEAD~1 --format markdown
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path


def arguments(parser: ArgumentParser) -> None:
    """Add the baseline and the format."""
    parser.add_argument("--baseline", metavar="REV", help="a Git revision")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")


def run(arguments: Namespace) -> str:
    """Return the verdicts; exits with status 1 if one fails."""
    import tempfile

    from pipeline.compare import gate
    from pipeline.core import paths
    from pipeline.core.params import Params
    from pipeline.repository import revisions
    from pipeline.repository.outputs import Outputs

    params = Params.read(paths.GATE).section(gate.GateParams)
    revision = arguments.baseline or revisions.merge_base()
    recorded, before = Outputs(), Outputs(revision)
    with tempfile.TemporaryDirectory() as folder:
        baseline, here = revisions.Revision(revision, Path(folder)), revisions.Here()
        rules = baseline.find(paths.GATE)
        judging = Params.read(rules).section(gate.GateParams) if rules else None
        sides = gate.Sides(baseline.find, here.find, lambda path: recorded.is_same(path, before))
        names = {
            kind: baseline.names(paths.METRICS / kind) | here.names(paths.METRICS / kind)
            for kind in ("runs", "datasets")
        }
        verdicts = gate.judge_rules(judging, params)
        verdicts += gate.judge((judging or params).rules, params.accept, sides, names)
    shown = gate.describe(verdicts, revision, arguments.format)
    if any(verdict.failed for verdict in verdicts):
        sys.stdout.write(shown + "\n")
        sys.exit(1)
    return shown
