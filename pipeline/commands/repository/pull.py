"""Pull what dvc.lock records and the remote has.

What was never pushed is named in one line, where `dvc pull` fails:

    python -m pipeline pull
    python -m pipeline pull report@demo_png
"""

from argparse import Namespace

from pipeline.commands.repository.push import arguments

__all__ = ["arguments", "run"]


def run(arguments: Namespace) -> str:
    """Return what was pulled."""
    from pipeline.repository.remote import sharing

    return sharing.pull(arguments.remote, arguments.targets)
