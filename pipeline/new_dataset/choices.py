"""Choices of a user, where files can be read in several ways."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """What a user decided with the options of ``new-dataset``."""

    labels: tuple[str, ...] = ()
    """Paths or URLs of tables of labels; for a detector, their names in the folder of files."""
    label: tuple[str, ...] = ()
    """Column of the classes; or several, one-hot."""
    id: str | None = None
    """Column of the images' names."""
    group: str | None = None
    """Column whose equal values are images that belong together."""
    subset: str | None = None
    """Column that names each image's subset."""
