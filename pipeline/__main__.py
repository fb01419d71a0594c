"""The command line beside DVC: ``python -m pipeline COMMAND``."""

import argparse
import inspect
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import progress, stage

if TYPE_CHECKING:
    from pipeline.params import Params
    from pipeline.predictions import Predictions


def check(_: Namespace) -> str:
    """Validate every section of params.yaml and the installed versions' record."""
    from pipeline.checks import check_params
    from pipeline.params import Params

    return check_params(Params.read())


def summary(_: Namespace) -> str:
    """Show the metrics of every run that has been evaluated, and where its report is."""
    from pipeline import summaries
    from pipeline.params import Params

    return summaries.table(Params.read())


def index(_: Namespace) -> str:
    """Write metrics/index.html, one page that compares all runs, the ablation's among them."""
    from pipeline import index as page

    return page.write()


def verify(arguments: Namespace) -> str:
    """Check that parameters, code, data, dvc.lock and metrics agree; list what does not."""
    from pipeline import verification
    from pipeline.params import Params

    faults = list(verification.faults(Params.read(), arguments.remote))
    if faults:
        lines = "\n".join(faults)
        sys.exit("".join(c if c == "\n" or c.isprintable() else " " for c in lines))
    held = "" if arguments.remote is None else ", and the remote holds all that dvc.lock records"
    return f"all that is here agrees{held}"


def repair(_: Namespace) -> str:
    """Mend what DVC leaves when it is killed while it writes, such as half a dvc.lock."""
    from pipeline import repo

    return "\n".join(repo.repair()) or "nothing to mend"


def resolve_lock(_: Namespace) -> str:
    """Settle what a Git merge left in conflict in dvc.lock and in metrics: docs/merging.md."""
    from pipeline import merging

    return merging.resolve()


def remote(arguments: Namespace) -> str:
    """Make URL the default DVC remote, and try to write to it; without URL try the one there is."""
    from pipeline import remotes

    return remotes.use(arguments.url)


def push_runs(_: Namespace) -> str:
    """Push DVC's run cache with the data of its runs, so that nobody runs them again."""
    from pipeline import remotes

    return remotes.push_runs()


def lock(_: Namespace) -> str:
    """Write libraries.yaml, the versions that can change an output, from requirements.lock."""
    from pipeline import libraries, paths

    libraries.write(Path("requirements.lock"))
    return f"{paths.LIBRARIES} written"


def compare(arguments: Namespace) -> str:
    """Compare two runs on the same test images, with McNemar's test and a bootstrap interval.

    A run at another Git revision is RUN@REV:

        python -m pipeline compare fashion_mnist fashion_mnist_best
        python -m pipeline compare demo_idx@main demo_idx --format markdown
    """
    from pipeline import comparison
    from pipeline.params import Params

    names = arguments.first, arguments.second
    with tempfile.TemporaryDirectory() as folder:
        first, second = (_predictions(name, Path(folder) / str(n)) for n, name in enumerate(names))
        classes = _classes(Params.read(), arguments.first.partition("@")[0])
        return comparison.describe(
            comparison.compare(first, second, classes), names, arguments.format
        )


def gate(arguments: Namespace) -> str:
    """Stop if metrics are worse than at a Git revision; gate.yaml says by how much they may be.

    By default that is where the branch parted from main:

        python -m pipeline gate
        python -m pipeline gate --baseline HEAD~1 --format markdown
    """
    from pipeline import gate as gates
    from pipeline import paths, revisions
    from pipeline.params import Params

    params = Params.read(paths.GATE).section(gates.GateParams)
    revision = arguments.baseline or revisions.merge_base()
    with tempfile.TemporaryDirectory() as folder:
        baseline = revisions.Revision(revision, Path(folder))
        names = {
            kind: baseline.names(paths.METRICS / kind) | _names(paths.METRICS / kind)
            for kind in ("runs", "datasets")
        }
        verdicts = gates.judge(
            params, baseline.find, lambda path: path if path.exists() else None, names
        )
    shown = gates.describe(verdicts, revision, arguments.format)
    if any(verdict.failed for verdict in verdicts):
        sys.stdout.write(shown + "\n")
        sys.exit(1)
    return shown


def changes(arguments: Namespace) -> str:
    """Show curves and confusion matrices, before and after, as Markdown; the gate's baseline."""
    from pipeline import changes as tables
    from pipeline import paths, revisions

    revision = arguments.baseline or revisions.merge_base()
    with tempfile.TemporaryDirectory() as folder:
        baseline = revisions.Revision(revision, Path(folder))
        runs = baseline.names(paths.METRICS / "runs") | _names(paths.METRICS / "runs")
        return tables.describe(
            sorted(runs), baseline.find, lambda path: path if path.exists() else None
        )


def _predictions(name: str, folder: Path) -> "Predictions":
    """A run's predictions, here or at another revision."""
    from pipeline import paths, revisions
    from pipeline.errors import DataError
    from pipeline.predictions import Predictions

    run, _, revision = name.partition("@")
    path = paths.predictions(run)
    if not revision:
        return Predictions.read(path)
    found = revisions.Revision(revision, folder).find(path)
    if found is None:
        raise DataError(
            f"{path} at {revision} is neither in DVC's cache nor in a remote; get it with: "
            f"dvc fetch --all-commits, or reproduce it there"
        )
    return Predictions.read(found)


def _classes(params: "Params", run: str) -> list[str]:
    from pipeline import runs

    names: list[str] = params.value("datasets", runs.dataset(params, run), "decode", "classes")
    return names


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


COMMANDS = {
    "check": check,
    "verify": verify,
    "compare": compare,
    "gate": gate,
    "changes": changes,
    "index": index,
    "remote": remote,
    "push-runs": push_runs,
    "repair": repair,
    "resolve-lock": resolve_lock,
    "summary": summary,
    "lock": lock,
}


def main() -> None:
    """Parse the command line, run the command, print what it returns."""
    parser = argparse.ArgumentParser(prog="pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        text = inspect.cleandoc(command.__doc__ or "")
        sub = commands.add_parser(
            name,
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == "verify":
            sub.add_argument(
                "--remote",
                nargs="?",
                const="",
                metavar="NAME",
                help="check too that a DVC remote (the default one, if none is named) holds every "
                "object that dvc.lock records: fetches and hashes each, and keeps none",
            )
        if name == "remote":
            sub.add_argument("url", nargs="?", default="", metavar="URL")
        if name == "compare":
            sub.add_argument("first", metavar="RUN_A")
            sub.add_argument("second", metavar="RUN_B")
        if name in ("gate", "changes"):
            sub.add_argument("--baseline", metavar="REV", help="a Git revision")
        if name in ("compare", "gate"):
            sub.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    arguments = parser.parse_args()
    command = COMMANDS[arguments.command]
    stage.guard(lambda: progress.say(command(arguments)), f"pipeline {arguments.command}")


if __name__ == "__main__":
    main()
