"""Choices of a user, where files can be read in several ways."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """What a user decided with the options of ``new-dataset``."""

    labels: str | None = None
    """Path or URL of a table of labels; for a detector, its name in the folder of files."""
