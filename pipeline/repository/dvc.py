"""The repository: what DVC has recorded of each stage.

Knows DVC, as `revisions`, `merging`, `remotes` and `cache` do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo

from pipeline.core.errors import PipelineError

LOCK = Path("dvc.lock")


@contextmanager
def opened() -> Iterator[Repo]:
    """The repository of this folder; DVC's errors become ours."""
    try:
        with Repo(".") as repo:
            yield repo
    except DvcException as error:
        raise PipelineError(f"DVC: {' '.join(str(error).split())}") from None
