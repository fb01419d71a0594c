"""Add a dataset of your own images to params.yaml, and a run of it.

The images are an archive or a folder, with a folder for each class or a table of labels; Parquet
files as Hugging Face writes them; or IDX files. Each is a path or URL; docs/own-data.md has more:

    python -m pipeline new-dataset pets ~/pictures/pets
    python -m pipeline new-dataset cells cells.zip --labels cells.csv
    python -m pipeline new-dataset digits images-idx3-ubyte.gz labels-idx1-ubyte.gz --yes

It shows what it detected, draws some images, and writes nothing before you say yes.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace


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
    columns.add_argument("--id", metavar="COLUMN", help="the images' names; of Parquet, the images")
    columns.add_argument("--group", metavar="COLUMN", help="images that must stay in one subset")
    columns.add_argument("--subset", metavar="COLUMN", help="each image's subset")
    folders = parser.add_argument_group("folders, where they can be read in several ways")
    folders.add_argument(
        "--classes-at",
        metavar="DEPTH_OR_PATTERN",
        type=_place,
        help="the folders that are classes: 1 for the outermost, -1 for those in which the images "
        "stand, or a pattern, as '*/{class}/images/*'",
    )
    folders.add_argument(
        "--only",
        metavar="PATTERN",
        action="append",
        default=[],
        help="take only the images whose paths match, as 'train/*'; again for another",
    )
    folders.add_argument(
        "--subsets",
        metavar="FOLDER=SUBSET",
        action="append",
        default=[],
        help="the folders of a subset (train, validation, test); again for another; none to ignore "
        "the data's own division",
    )
    parser.add_argument(
        "--names-encoding",
        metavar="ENCODING",
        type=_encoding,
        help="how the names in an archive are encoded that does not say so: gb18030, cp932 …",
    )
    parser.add_argument("--yes", action="store_true", help="write without asking")


def run(arguments: Namespace) -> str:
    """Return what was written, and the next step."""
    from pipeline import commands
    from pipeline.core import console, paths
    from pipeline.new_dataset import propose
    from pipeline.new_dataset.choices import Choices

    choices = Choices(
        labels=tuple(arguments.labels),
        label=tuple(arguments.label),
        id=arguments.id,
        group=arguments.group,
        subset=arguments.subset,
        classes_at=arguments.classes_at,
        only=tuple(arguments.only),
        subsets=tuple(arguments.subsets),
        names_encoding=arguments.names_encoding,
    )
    with propose.proposed(arguments.name, arguments.where, choices) as proposal:
        console.result(proposal.describe())
        picture = paths.LOGS / f"{arguments.name}.png"
        propose.draw(proposal, picture)
        console.result(f"\nSome images of each class, as they will be decoded: {picture}")
        if not arguments.yes and not commands.confirmed("Write this?"):
            return "Nothing was added to params.yaml. To add it, run this again with --yes"
        proposal.write()
    return f"Written. Now run: dvc repro report@{arguments.name}"


def _place(text: str) -> int | str:
    """Return a depth of folders, or a pattern of paths."""
    from pipeline.labels.folders import finder

    place = int(text) if text.removeprefix("-").isdecimal() else text
    try:
        finder(place)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return place


def _encoding(value: str) -> str:
    """Return an encoding of names; argparse makes a usage error of a ValueError."""
    from pipeline.archives import names

    try:
        return names.known(value)
    except ValueError as error:
        raise ArgumentTypeError(f"{error}, not {value!r}") from None
