"""Mend files that DVC left half-written, such as dvc.lock.

Use it when `dvc repro` refuses its own files after a power cut or `kill -9`:

    python -m pipeline repair
"""

from argparse import Namespace


def run(_: Namespace) -> str:
    """Return what was mended."""
    from pipeline.core import process_lock
    from pipeline.repository import repair

    with process_lock.project():
        return "\n".join(repair.repair()) or "nothing to mend"
