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
    classes_at: int | str | None = None
    """Folder that is an image's class: its number, from 1 or -1, or a pattern with ``{class}``."""
    only: tuple[str, ...] = ()
    """Shell-style patterns of the images that are taken; empty for all."""
    subsets: tuple[str, ...] = ()
    """``FOLDER=SUBSET`` for folders of subsets, or ``none`` to divide anew."""
    empty_folders: tuple[str, ...] = ()
    """For a detector: folders without a file in a folder that was packed, where they are not."""
    names_encoding: str | None = None
    """Encoding of an archive's names, where it does not say that itself."""
