"""Remove a dataset: its parameters, records in dvc.lock, metrics and data.

Runs that use it are to be removed first. DVC's cache keeps the data, so that an older commit can be
checked out:

    python -m pipeline remove-dataset pets
    python -m pipeline remove-dataset pets --yes

It lists what would go, and removes nothing before you say yes.
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the name and the consent."""
    parser.add_argument("name", metavar="NAME", help="of a dataset in params.yaml")
    parser.add_argument("--yes", action="store_true", help="remove without asking")


def run(arguments: Namespace) -> str:
    """Return what was removed, and the next step."""
    from pipeline import commands
    from pipeline.core import console
    from pipeline.project import removal

    found = removal.of_dataset(arguments.name)
    console.result(found.describe())
    if not arguments.yes and not commands.confirmed("Remove these?"):
        return "Nothing was removed. To remove it, run this again with --yes"
    found.remove()
    return "Removed. Now: git add . && git commit"
