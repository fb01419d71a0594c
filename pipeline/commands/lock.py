"""Write libraries.yaml, the versions that can change an output, from requirements.lock.

`make lock` does this after it has made the locks:

    python -m pipeline lock
"""

from argparse import Namespace
from pathlib import Path


def run(_: Namespace) -> str:
    """What was written."""
    from pipeline.core import libraries, paths

    libraries.write(Path("requirements.lock"))
    return f"{paths.LIBRARIES} written"
