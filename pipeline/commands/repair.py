"""Mend what DVC leaves when it is killed while it writes, such as half a dvc.lock.

When `dvc repro` refuses its own files after a power cut or `kill -9`:

    python -m pipeline repair
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """What was mended."""
    from pipeline.repository import repair

    return "\n".join(repair.repair()) or "nothing to mend"
