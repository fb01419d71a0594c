"""Add a dataset of your own images to params.yaml, and a run of it.

The images are an archive or a folder, with a folder for each class or a table of labels; Parquet
files as Hugging Face writes them; or IDX files. Each is a path or URL; docs/own-data.md has more:

    python -m pipeline new-dataset pets ~/pictures/pets
    python -m pipeline new-dataset cells cells.zip --labels cells.csv
    python -m pipeline new-dataset digits images-idx3-ubyte.gz labels-idx1-ubyte.gz --yes

It shows what it detected, draws some images, and writes nothing before you say yes.
"""

import sys
from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the name, the places of the images and labels, and the consent."""
    parser.add_argument("name", metavar="NAME", help="of the dataset and of its run")
    parser.add_argument("where", nargs="+", metavar="PATH_OR_URL", help="where the images are")
    parser.add_argument(
        "--labels",
        metavar="TABLE",
        action="append",
        default=[],
        help="path or URL of a table of names and labels (CSV, TSV, JSON lines); again for more",
    )
    columns = parser.add_argument_group("columns of the table, or of Parquet files")
    columns.add_argument(
        "--label",
        metavar="COLUMN",
        action="append",
        default=[],
        help="the classes; again for each of several one-hot columns",
    )
    columns.add_argument("--id", metavar="COLUMN", help="the images' names")
    columns.add_argument("--group", metavar="COLUMN", help="images that must stay in one subset")
    columns.add_argument("--subset", metavar="COLUMN", help="each image's subset")
    parser.add_argument("--yes", action="store_true", help="write without asking")


def run(arguments: Namespace) -> str:
    """Return what was written, and the next step."""
    from pipeline.core import console, paths
    from pipeline.new_dataset import propose
    from pipeline.new_dataset.choices import Choices

    choices = Choices(
        labels=tuple(arguments.labels),
        label=tuple(arguments.label),
        id=arguments.id,
        group=arguments.group,
        subset=arguments.subset,
    )
    with propose.proposed(arguments.name, arguments.where, choices) as proposal:
        console.result(proposal.describe())
        picture = paths.LOGS / f"{arguments.name}.png"
        propose.draw(proposal, picture)
        console.result(f"\nSome images of each class, as they will be decoded: {picture}")
        if not arguments.yes and not _confirmed():
            return "Nothing was added to params.yaml. To add it, run this again with --yes"
        proposal.write()
    return f"Written. Now run: dvc repro report@{arguments.name}"


def _confirmed() -> bool:
    """Ask for confirmation; return False without a terminal."""
    if not sys.stdin.isatty():
        return False
    try:
        return input("Write this? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False
