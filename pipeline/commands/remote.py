"""Make URL the default DVC remote, and try to write to it; without URL try the one there is.

What fails is said with what to do; docs/teams.md has a recipe for each protocol:

    python -m pipeline remote /srv/dvc/image-pipeline
    python -m pipeline remote
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the URL."""
    parser.add_argument("url", nargs="?", default="", metavar="URL", help="a folder, or ssh://…, …")


def run(arguments: Namespace) -> str:
    """What was tried and is well."""
    from pipeline.repository import remotes

    return remotes.use(arguments.url)
