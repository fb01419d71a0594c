"""Look at a dataset's source again, show what changed, and pin the new state.

The folder, archive or URL is the one that params.yaml names. By class it shows which images came,
went, changed or moved to another class. New classes are added behind the others, those without
images are taken out:

    python -m pipeline update-dataset pets
    python -m pipeline update-dataset pets --yes

It writes nothing before you say yes; dvc repro goes on from there.
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the name and the consent."""
    parser.add_argument("name", metavar="NAME", help="of a dataset in params.yaml")
    parser.add_argument("--yes", action="store_true", help="write without asking")


def run(arguments: Namespace) -> str:
    """Return what was written, and the next step."""
    from functools import partial

    from pipeline import commands
    from pipeline.core import console, paths
    from pipeline.project import picture, update

    with update.looked_again(arguments.name) as found:
        if not found.pins:
            return f"{found.name}: nothing changed since it was pinned ({found.fetched})"
        console.result(found.describe())
        path = paths.LOGS / f"{found.name}-update.png"
        before, after = (partial(update.images, side) for side in (found.before, found.after))
        if found.changes and picture.draw(found.changes, before, after, path):
            console.result(f"\nSome of these images: {path}")
        if not arguments.yes and not commands.confirmed("Write this?"):
            return "params.yaml stays as it is. To change it, run this again with --yes"
        found.write()
    stages = [f"report@{run}" for run in found.runs()] or [f"split@{found.name}"]
    return f"Written. Now run: dvc repro {' '.join(stages)}"
