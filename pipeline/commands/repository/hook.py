"""Do what one of Git's hooks has to, in a clone with a part of the data.

The hooks of the folder .githooks run it once Git is told to use them; one can be tried, too:

    git config core.hooksPath .githooks
    python -m pipeline hook pre-commit

After a checkout, merge or rebase, the data that the cache has are put here; before a commit, it
says what is not as dvc.lock records it; before a push, data are pushed to the default DVC remote.
Each takes a line at most, and nothing where no data are concerned. DVC's own hooks (`dvc install`)
want all data of all runs to be here.
"""

from argparse import REMAINDER, ArgumentParser, Namespace

HOOKS = ("post-checkout", "post-merge", "post-rewrite", "pre-commit", "pre-push")


def arguments(parser: ArgumentParser) -> None:
    """Add the hook's name, and what Git gives it."""
    parser.add_argument("name", metavar="HOOK", choices=HOOKS, help=", ".join(HOOKS))
    parser.add_argument("arguments", nargs=REMAINDER, help="what Git gives a hook of this name")


def run(arguments: Namespace) -> str:
    """Return what was done or found; nothing where no data are concerned."""
    from pipeline.repository.hooks import events

    if not events.concerns_data(arguments.name, arguments.arguments):
        return ""
    from pipeline.repository.hooks import work

    does = {"pre-commit": work.doubts, "pre-push": work.push}
    return does.get(arguments.name, work.put_here)()
