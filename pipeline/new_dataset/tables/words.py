"""Words in the names of columns, and what they say of the column."""

import re
from collections.abc import Iterable

CLASS = frozenset(
    [
        "label",
        "class",
        "category",
        "target",
        "species",
        "breed",
        "diagnosis",
        "dx",
        "disease",
        "type",
        "finding",
        "tag",
        "kind",
    ]
)
"""Words for what an image shows."""
NOT_OF_THE_IMAGE = frozenset(
    [
        "image",
        "img",
        "file",
        "media",
        "mime",
        "camera",
        "data",
        "dx",
        "confirm",
        "confirmation",
        "sample",
        "scan",
    ]
)
"""Words before ``type`` that make it one of something else."""
GROUP = frozenset(
    [
        "patient",
        "subject",
        "person",
        "participant",
        "individual",
        "case",
        "user",
        "owner",
        "donor",
        "volunteer",
        "writer",
        "speaker",
        "animal",
        "lesion",
        "study",
        "series",
        "visit",
        "session",
        "exam",
        "product",
        "item",
        "group",
        "sequence",
        "video",
        "clip",
        "scene",
        "burst",
        "slide",
        "plate",
        "specimen",
    ]
)
"""Words for what several images may be of."""
NAME = frozenset(
    [
        "id",
        "image",
        "img",
        "file",
        "filename",
        "filepath",
        "path",
        "name",
        "picture",
        "photo",
        "uid",
        "key",
    ]
)
"""Words for an image's name."""
DIVISION = frozenset(
    [
        "split",
        "subset",
        "fold",
        "partition",
        "usage",
        "train",
        "training",
        "test",
        "testing",
        "val",
        "valid",
        "validation",
        "set",
    ]
)
"""Words for a division into subsets."""
SAY_NOTHING = frozenset(
    [
        "id",
        "ids",
        "uid",
        "uuid",
        "no",
        "nr",
        "num",
        "number",
        "idx",
        "index",
        "name",
        "names",
        "code",
        "key",
        "text",
        "str",
        "string",
        "instance",
    ]
)
"""Words that may stand beside one of these."""


def words(name: str) -> list[str]:
    """Return the words of a column's name, in lower case and in the singular.

    Examples
    --------
    >>> words("StudyInstanceUID"), words("Finding Labels"), words("dx_type"), words("classes.2")
    (['study', 'instance', 'uid'], ['finding', 'label'], ['dx', 'type'], ['class'])
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [_singular(word.lower()) for word in re.findall(r"[^\W\d_]+", spaced)]


def class_rank(name: str) -> int:
    """Return how surely a column has classes, by its name: 2, 1, or 0 for not at all.

    Examples
    --------
    >>> [class_rank(name) for name in ("ClassId", "dx", "Finding Labels", "articleType", "dx_type")]
    [2, 2, 2, 1, 0]
    """
    telling = [word for word in words(name) if word not in SAY_NOTHING]
    if not telling or telling[-1] not in CLASS:
        return 0
    if telling[-1] == "type" and NOT_OF_THE_IMAGE.intersection(telling):
        return 0
    return 2 if set(telling) <= CLASS else 1


def is_group(name: str) -> bool:
    """Return whether a column has, by its name, what several images may be of.

    Examples
    --------
    >>> is_group("lesion_id"), is_group("StudyInstanceUID"), is_group("Patient Age")
    (True, True, False)
    """
    found = words(name)
    telling = [word for word in found if word not in SAY_NOTHING]
    return bool(telling) and set(telling) <= GROUP


def is_division(name: str) -> bool:
    """Return whether a column divides images into subsets, by its name."""
    return any(word in DIVISION for word in words(name))


def is_name(name: str) -> bool:
    """Return whether a column has images' names, by its own."""
    return any(word in NAME for word in words(name))


def _singular(word: str) -> str:
    known: Iterable[str] = CLASS | GROUP
    return next((one for one in (word[:-1], word[:-2]) if one in known and word[-1] == "s"), word)
