"""Depth of the folders that are classes, where folders stand within folders."""

import glob
import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.new_dataset.layout.result import Reading, ambiguous, by_depth, only
from pipeline.new_dataset.layout.tree import WRAPPERS, Folder, count

Path = tuple[str, ...]
ENUMERATED = re.compile(
    r"(fold|part|batch|chunk|shard|session|run|camera|cam|site|day|subject|patient|person|user)"
    r"[-_ .]?\d+",
    re.I,
)
"""Names of folders that divide images, but not into classes."""


class Depth(NamedTuple):
    """A depth of folders, from 1, that are the classes."""

    depth: int
    ignored: list[str]
    """Folders around them that look as if they divided the images."""


def depth(parts: Sequence[Folder]) -> Depth:
    """Return at which depth below each of some folders the classes are.

    Raises
    ------
    AmbiguousError
        If folders of two depths could be the classes.
    """
    paths = [
        folder.path[len(part.path) :] for part in parts for folder in part.walk() if folder.images
    ]
    levels = {_levels(path) for path in paths}
    if len(levels) == 1 and len(set(map(len, paths))) == 1:
        (remaining,) = levels
        varied = [at for at in remaining if at == 0 or len({path[at] for path in paths}) > 1]
        telling = [at for at in varied if not all(ENUMERATED.fullmatch(path[at]) for path in paths)]
        if len(varied) == 1 or len(telling) == 1:
            (at,) = telling or varied
            above = {path[other] for path in paths for other in varied if other < at}
            return Depth(at + 1, sorted(above))
    elif levels == {(0,)}:
        return Depth(1, [])
    names = [name for part in parts for name in part.everything()]
    raise ambiguous(
        "folders stand within folders, and those of two depths could be the classes",
        [*by_depth(names), *_parts(parts)],
    )


def _parts(parts: Sequence[Folder]) -> list[Reading]:
    """Return the readings of a part of the images, where others seem to show the same again."""
    leaves = [one for part in parts for one in part.walk() if one.images and len(one.path) > 1]
    readings = []
    if wrapper := next((leaf.name for leaf in leaves if leaf.name.lower() in WRAPPERS), None):
        inside = {leaf.path[-2]: len(leaf.images) for leaf in leaves if leaf.name == wrapper}
        readings.append(Reading(inside, only([f"*/{glob.escape(wrapper)}/*"])))
    (first, *others) = (folder for part in parts for folder in part.inner.values())
    if others and all(set(folder.inner) == set(first.inner) for folder in others):
        inside = {name: count(folder) for name, folder in first.inner.items()}
        pattern = glob.escape("/".join(first.path)) + "/*"
        readings.append(Reading(inside, only([pattern])))
    return [reading for reading in readings if len(reading.classes) > 1]


def _levels(path: Path) -> tuple[int, ...]:
    """Return the levels of a path without those that repeat the level above, or say nothing."""
    return tuple(
        at
        for at, name in enumerate(path)
        if at == 0 or not (name == path[at - 1] or name.lower() in WRAPPERS)
    )
