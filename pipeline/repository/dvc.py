"""The project's DVC repository, opened with DVC's errors turned into one line of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

from pipeline.core.errors import PipelineError

LOCK = Path("dvc.lock")


@contextmanager
def opened() -> Iterator[Repo]:
    """Yield the repository of the working directory.

    Raises
    ------
    PipelineError
        In place of any error of DVC that is raised in the body.
    """
    try:
        with Repo(".") as repo:
            yield repo
    except DvcException as error:
        raise PipelineError(_explained(error)) from None


def _explained(error: DvcException) -> str:
    """Return DVC's message on one line; of a ``dvc.lock`` that it cannot read, what mends it."""
    if isinstance(error, YAMLSyntaxError | YAMLValidationError):
        path = Path(error.path)
        if path.name == LOCK.name and isinstance(error, YAMLSyntaxError) and error.hint:
            return f"{path} is in conflict; run: make resolve-lock"
        if path.name == LOCK.name:
            return f"{path} was cut short, or edited; run: make repair, or git checkout {path}"
    return f"DVC: {' '.join(str(error).split())}"
