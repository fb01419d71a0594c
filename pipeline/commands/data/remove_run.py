"""Remove runs: their parameters, records in dvc.lock, metrics and models.

DVC's cache keeps the models, so that an older commit can be checked out:

    python -m pipeline remove-run pets
    python -m pipeline remove-run pets pets_large --yes

It lists what would go, and removes nothing before you say yes.
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the names and the consent."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="of a run in params.yaml")
    parser.add_argument("--yes", action="store_true", help="remove without asking")


def run(arguments: Namespace) -> str:
    """Return what was removed, and the next step."""
    from pipeline import commands
    from pipeline.core import console
    from pipeline.project import removal

    for name in arguments.names:
        found = removal.of_run(name)
        console.result(found.describe())
        if not arguments.yes and not commands.confirmed("Remove these?"):
            return f"Nothing was removed of {name}. To remove it, run this again with --yes"
        found.remove()
    return "Removed. Now: git add . && git commit"
