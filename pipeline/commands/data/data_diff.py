"""Show what changed in a dataset between two Git revisions.

By default from the last commit to what is here; it reads shards and splits from DVC's cache:

    python -m pipeline data-diff pets
    python -m pipeline data-diff pets HEAD~1
    python -m pipeline data-diff pets v1.0 main --fetch
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the name and the revisions."""
    parser.add_argument("name", metavar="NAME", help="of a dataset")
    parser.add_argument("before", nargs="?", default="HEAD", metavar="REV", help="a Git revision")
    parser.add_argument("after", nargs="?", default="", metavar="REV", help="another; else here")
    parser.add_argument(
        "--fetch", action="store_true", help="get what the cache lacks from the default remote"
    )


def run(arguments: Namespace) -> str:
    """Return the differences, for people."""
    from pipeline.core import paths
    from pipeline.project import difference

    picture = paths.LOGS / f"{arguments.name}-diff.png"
    before, after = arguments.before, arguments.after
    return difference.describe(arguments.name, before, after, picture, fetch=arguments.fetch)
