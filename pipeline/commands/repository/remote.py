"""Set DVC's default remote, and test that it can be written to.

Without URL it tests the remote that is set. A failure names its remedy; docs/teams.md has a recipe
for each protocol:

    python -m pipeline remote /srv/dvc/image-pipeline
    python -m pipeline remote
"""

from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the URL."""
    parser.add_argument("url", nargs="?", default="", metavar="URL", help="a folder, or ssh://…, …")


def run(arguments: Namespace) -> str:
    """Return what was tested."""
    from pipeline.core import process_lock
    from pipeline.repository.remote import remotes

    with process_lock.project():
        return remotes.use(arguments.url)
