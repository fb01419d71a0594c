"""Match of images with ids by the ends of their paths, of which just one must fit best."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError
from pipeline.labels.table import Ignored

SUFFIX = re.compile(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{1,4}$")
"""Suffix of a file's name in a column of ids, where it may also have none."""
NUMBER = re.compile(r"(\d{1,100})(?:\.(\d{0,100}))?(?:[eE]\+?(\d{1,2}))?", re.ASCII)
"""A number as a spreadsheet may write it: ``0012``, ``12``, ``12.0``, ``1.2E+1``."""


MOST_ROWS = 250_000
"""Rows whose ids are matched; and ``ROWS_AN_IMAGE`` for each image, if those are more."""
ROWS_AN_IMAGE = 20


class Ends(NamedTuple):
    """What was found of each image."""

    rows: NDArray[np.int32]
    """The row of its id; -1 if there is none."""
    ambiguous: list[str]
    """In words, which fit several."""


def refuse_many(rows: int, images: int, table: str) -> None:
    """Raise DataError for a table of so many rows more than images that matching takes minutes."""
    if rows > max(MOST_ROWS, ROWS_AN_IMAGE * images):
        raise DataError(
            f"{table}: has {rows:,} rows for {images:,} images, above {MOST_ROWS:,} and "
            f"{ROWS_AN_IMAGE} an image; drop those of other images"
        )


def match(names: Sequence[str], ids: Sequence[str], ignore: Collection[Ignored] = ()) -> Ends:
    r"""Find the row of each image.

    The image of an id is that whose path ends like the id for the most parts, which are folders and
    the file's name. A path may have slashes or backslashes, and lead from ``./``, a drive or ``/``.

    Parameters
    ----------
    names : sequence of str, length n
        The images' paths.
    ids : sequence of str
        A path, or the end of one, in each row.
    ignore : collection of {"case", "suffix", "unicode", "zeros"}
        What need not be the same: upper and lower case, the suffix, the Unicode form of letters
        with accents, and what a spreadsheet changes of a number, such as zeros before it.

    Returns
    -------
    Ends
        ``rows`` of length n; those of ambiguous images are -1.

    Examples
    --------
    >>> match(["a/1.png", "b/1.png", "2.png"], ["C:\\x\\b\\1.png", "./2.png"]).rows.tolist()
    [-1, 0, 1]
    >>> match(["0012.png", "0007.png"], ["7", "1.2E+1"], ("suffix", "zeros")).rows.tolist()
    [1, 0]
    """
    images = [_parts(name, ignore) for name in names]
    if "suffix" in ignore:
        images = [[*parts[:-1], parts[-1].rpartition(".")[0] or parts[-1]] for parts in images]
    if "zeros" in ignore:
        images = [[*parts[:-1], plain_number(parts[-1])] for parts in images]
    shared = Counter(parts[-1] for parts in images)
    of_end = _Ends()
    for number, parts in enumerate(images):
        of_end.add(parts if shared[parts[-1]] > 1 else parts[-1:], number)
    best: dict[int, list[tuple[int, int]]] = defaultdict(list)
    ambiguous = []
    for row, id_ in enumerate(ids):
        parts = _parts(id_, ignore)
        if "suffix" in ignore and parts and parts[-1] not in shared:
            parts[-1] = SUFFIX.sub("", parts[-1])
        if "zeros" in ignore and parts:
            parts[-1] = plain_number(parts[-1])
        if not parts or parts[-1] not in shared:
            continue
        fitting = of_end.fitting(parts)
        if len(fitting) > 1:
            ambiguous.append(f"{id_} ({' or '.join(names[at] for at in fitting[:3])})")
            continue
        best[fitting[0]].append((_common(images[fitting[0]], parts), row))
    rows = np.full(len(names), -1, np.int32)
    for number, found in best.items():
        most = max(found)[0]
        chosen = [row for length, row in found if length == most]
        if len(chosen) > 1:
            ambiguous.append(f"{names[number]} ({' or '.join(ids[row] for row in chosen[:3])})")
        else:
            rows[number] = chosen[0]
    return Ends(rows, ambiguous)


def plain_number(text: str) -> str:
    """Return a whole number without zeros before it, ``.0`` and exponent, or else the text.

    Examples
    --------
    >>> plain_number("0012"), plain_number("12.0"), plain_number("1.2E+1"), plain_number("1.25E+1")
    ('12', '12', '12', '1.25E+1')
    """
    found = NUMBER.fullmatch(text)
    if not found:
        return text
    whole, fraction, exponent = found[1], (found[2] or "").rstrip("0"), int(found[3] or 0)
    if len(fraction) > exponent:
        return text
    return (whole + fraction.ljust(exponent, "0")).lstrip("0") or "0"


def _parts(path: str, ignore: Collection[Ignored]) -> list[str]:
    text = unicodedata.normalize("NFC", path) if "unicode" in ignore else path
    text = text.casefold() if "case" in ignore else text
    return [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]


class _Ends:
    """Images by the ends of their paths, which share their parts: a tree from the file's name on.

    The ends of one path, each as a text, would take the square of its length.
    """

    def __init__(self) -> None:
        self._next: dict[tuple[int, str], int] = {}
        """The end that is longer by a part."""
        self._images: list[list[int]] = [[]]

    def add(self, parts: Sequence[str], number: int) -> None:
        """Add an image under all ends of its path."""
        end = 0
        for part in reversed(parts):
            end = self._next.setdefault((end, part), len(self._images))
            if end == len(self._images):
                self._images.append([])
            self._images[end].append(number)

    def fitting(self, parts: Sequence[str]) -> list[int]:
        """Return the images that end like a path for the most parts."""
        end = 0
        for part in reversed(parts):
            longer = self._next.get((end, part))
            if longer is None:
                break
            end = longer
        return self._images[end]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of parts at the end in which two paths agree."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
