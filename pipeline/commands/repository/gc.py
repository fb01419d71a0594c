"""Remove from the cache, or from a remote, what no branch needs any more.

All branches, tags and experiments count, also those that only Git's remotes have: they are fetched
first, beside your own, which stay as they are. `dvc gc` knows but this clone's branches.

    python -m pipeline gc
    python -m pipeline gc --remote
    python -m pipeline gc --remote storage --days 30 --project ../other-project

It lists what would go, and removes nothing before you say yes.
"""

from argparse import ArgumentParser, Namespace

DAYS = 7


def arguments(parser: ArgumentParser) -> None:
    """Add the remote, what stays, and the consent."""
    parser.add_argument(
        "--remote",
        nargs="?",
        const="",
        metavar="NAME",
        help="of a DVC remote, the default one if none is named; without it: the cache",
    )
    parser.add_argument(
        "--days",
        type=float,
        help="keep what was changed in so many days, for its commit may not have been pushed yet "
        f"(default: {DAYS} for a remote, 0 for the cache)",
    )
    parser.add_argument(
        "--project",
        action="append",
        default=[],
        metavar="FOLDER",
        help="another clone or project that uses the same cache or remote; may be given repeatedly",
    )
    parser.add_argument("--yes", action="store_true", help="remove without asking")


def run(arguments: Namespace) -> str:
    """Return what was removed."""
    from pathlib import Path

    from pipeline import commands
    from pipeline.core import console, process_lock
    from pipeline.repository.unused import objects

    days = arguments.days
    if days is None:
        days = 0 if arguments.remote is None else DAYS
    with process_lock.project():
        found = objects.find(arguments.remote, max(days, 0), map(Path, arguments.project))
        if not found.objects:
            return found.describe()
        console.result(found.describe())
        if not arguments.yes and not commands.confirmed("Remove these?"):
            return "Nothing was removed. To remove them, run this again with --yes"
        objects.remove(found, arguments.remote)
    return f"Removed {len(found.objects):,} objects"
