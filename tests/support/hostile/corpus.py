"""The form of a hostile input."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.builders import Project


class Input(NamedTuple):
    """An input of the corpus."""

    stage: str
    """The stage that meets it."""
    dataset: str
    put: Callable[[Project], Any]
    """Puts it into a project in which the earlier stages have run."""
    ends: str | None
    """Pattern in the one line of the error; None where the stage accepts the input."""
