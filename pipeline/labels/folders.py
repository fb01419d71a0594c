"""Labels by folders: an image's class is the name of a folder that it is in."""

import re
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few

CLASS = "{class}"
Place = int | str
"""The folder that is an image's class: its number in the path, from 1, or from -1 at the image; or
a pattern of paths in which ``{class}`` stands for the class, ``*`` for any text (also with ``/``,
as much as fits) and ``?`` for a character."""


def labels(
    names: pa.StringArray, classes: tuple[str, ...], archive: str, classes_at: Place | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Label images by the folder at a place, or else the innermost that has a class's name.

    Parameters
    ----------
    names : pa.StringArray
        The images' paths in the archive.
    classes : tuple of str
        Names of the classes, in the order of their labels.
    archive : str
        The archive, for messages.
    classes_at : int or str, optional
        The place of the folder (``decode.classes_at``).

    Returns
    -------
    positions : ndarray of int32, shape (n,)
        For each image its position among the sorted names, which does not depend on the order in
        which they were packed.
    labels : ndarray of int32, shape (n,)
        The label at each position.

    Raises
    ------
    DataError
        If an image is in no folder with a class's name.
    """
    paths: list[str] = names.to_pylist()
    numbers = {name: label for label, name in enumerate(classes)}
    if classes_at is None:
        own = [folder_of(path, numbers) for path in paths]
    else:
        own = list(map(finder(classes_at), paths))
    targets = np.array([numbers.get(name, -1) for name in own], np.int32)
    if (targets < 0).any():
        lost = [paths[row] for row in np.flatnonzero(targets < 0)]
        folders = sorted({path.rpartition("/")[0] for path in lost})
        raise DataError(
            f"{archive}: has no table of labels, and {len(lost):,} images are in no folder named "
            f"as a class: {first_few(lost)}; declare the folder ({first_few(folders)}) under "
            "decode.classes in params.yaml, or give a table (extract.labels)"
        )
    order = np.argsort(np.array(paths, object), kind="stable")
    positions = np.empty(len(paths), np.int32)
    positions[order] = np.arange(len(paths), dtype=np.int32)
    return positions, targets[order]


def folder_of(path: str, names: Collection[str]) -> str:
    """Return the innermost folder of ``path`` that is one of ``names``; ``""`` if none is.

    Examples
    --------
    >>> folder_of("test/cat/siamese/1.png", {"cat", "dog"})
    'cat'
    """
    folders = path.replace("\\", "/").split("/")[:-1]
    return next((name for name in reversed(folders) if name in names), "")


def finder(place: Place) -> Callable[[str], str]:
    """Return a function that returns the name of a path's folder at a place, ``""`` without one.

    Raises
    ------
    ValueError
        If a pattern has not ``{class}`` in it once, or the place is 0.

    Examples
    --------
    >>> finder(1)("cat/siamese/1.png"), finder(-1)("cat/siamese/1.png"), finder(3)("cat/1.png")
    ('cat', 'siamese', '')
    >>> finder("*/{class}_train/*")("pets/cat_train/1.png")
    'cat'
    """
    if isinstance(place, int):
        if not place:
            raise ValueError("counts folders from 1, or from -1 at the image")

        def by_number(path: str) -> str:
            folders = path.replace("\\", "/").split("/")[:-1]
            at = place - 1 if place > 0 else len(folders) + place
            return folders[at] if 0 <= at < len(folders) else ""

        return by_number
    if place.count(CLASS) != 1:
        raise ValueError(f"must have {CLASS} in it, once, as in */{CLASS}/images/*")
    before, after = ([_Part(text) for text in side.split("*")] for side in place.split(CLASS))
    return lambda path: _between(path.replace("\\", "/"), before, after)


class _Part:
    """A part of a pattern without ``*``, and where in a text it stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.length = len(text)
        every = re.escape(text).replace(r"\?", ".")
        self.pattern = re.compile(every, re.DOTALL) if "?" in text else None

    def first(self, path: str, low: int) -> int:
        """Return the first place from ``low`` on; -1 if there is none."""
        if self.pattern is None:
            return path.find(self.text, low)
        found = self.pattern.search(path, low)
        return found.start() if found else -1

    def last(self, path: str, low: int, high: int) -> int:
        """Return the last place from ``low`` to ``high``; -1 if there is none."""
        if self.pattern is None:
            return path.rfind(self.text, low, high + self.length) if high >= low else -1
        places = range(high, low - 1, -1)
        return next((place for place in places if self.pattern.match(path, place)), -1)


def _between(path: str, before: Sequence[_Part], after: Sequence[_Part]) -> str:
    """Return the folder between two patterns, the last and longest one; ``""`` without one.

    An expression with several ``.*`` would say the same, but try all their lengths: in a long path,
    without end. Here all parts but those beside the folder stand where they leave most room to it.
    """
    low, high = before[0].length, len(path) - after[-1].length
    if before[0].last(path, 0, 0) or high < 0 or after[-1].last(path, high, high) < 0:
        return ""
    for part in before[1:-1]:
        if (place := part.first(path, low)) < 0:
            return ""
        low = place + part.length
    for part in after[-2:0:-1]:
        if (high := part.last(path, 0, high - part.length)) < 0:
            return ""
    start = low
    place = len(path) - before[-1].length
    while True:
        if len(before) > 1:
            if (place := before[-1].last(path, low, place)) < 0:
                return ""
            start = place + before[-1].length
        slash = path.find("/", start)
        most = len(path) if slash < 0 else slash
        if len(after) > 1:
            stop = after[0].last(path, start + 1, min(most, high - after[0].length))
        else:
            stop = high if high <= most else -1
        if stop > start:
            return path[start:stop]
        if len(before) == 1:
            return ""
        place -= 1
