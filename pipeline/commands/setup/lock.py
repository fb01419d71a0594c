"""Write libraries.yaml from requirements.lock.

It holds the versions of the libraries that can change an output. `make lock` does this too:

    python -m pipeline lock
"""

from argparse import Namespace
from pathlib import Path


def run(_: Namespace) -> str:
    """Return what was written."""
    from pipeline.core import libraries, paths, process_lock

    with process_lock.project():
        libraries.write(Path("requirements.lock"))
    return f"{paths.LIBRARIES} written"
