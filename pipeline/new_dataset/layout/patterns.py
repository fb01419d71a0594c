"""Shell-style patterns that tell the images that are wanted from all other members."""

import fnmatch
import glob
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath

from pipeline.core.errors import DataError, first_few

BEGINNING = re.compile(r"[^\W\d_]+(?:[-_. ]|(?=\d))")
FEW = 5
"""Beginnings of files' names, up to which they make patterns."""
FEW_SUFFIXES = 8
"""Suffixes, up to which they make patterns for all folders."""
MOST = 50
"""Patterns, above which somebody else has to say what is wanted."""


def beginning(name: str) -> str:
    """Return the first word of a file's name, and what separates it; ``""`` without one.

    Examples
    --------
    >>> beginning("a/train_01.png"), beginning("Test2.png"), beginning("12.png")
    ('train_', 'Test', '')
    """
    found = BEGINNING.match(name.replace("\\", "/").rpartition("/")[2])
    return found[0] if found else ""


def select(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Return the names that match one of the patterns; all names if there is no pattern."""
    if not patterns:
        return list(names)
    joined = re.compile("|".join(map(fnmatch.translate, patterns)))
    return [name for name in names if joined.match(name)]


def but_for_accents(names: Iterable[str], patterns: Sequence[str]) -> str:
    """Return the remark that patterns match names but for their Unicode form; ``""`` if not."""
    composed = [unicodedata.normalize("NFC", name) for name in names]
    if not select(composed, [unicodedata.normalize("NFC", pattern) for pattern in patterns]):
        return ""
    return (
        ", but for Unicode normalization (an accent behind its letter, as macOS writes it, or in "
        "one character with it); put * in the place of letters with accents"
    )


def telling(
    wanted: Collection[str], others: Collection[str], first: Sequence[str] = ()
) -> list[str]:
    """Return as few patterns as tell the wanted names from the others.

    Parameters
    ----------
    wanted, others : collection of str
        Paths.
    first : sequence of str
        Patterns that are taken if they do.

    Raises
    ------
    DataError
        If there are none, or too many.

    Examples
    --------
    >>> telling(["a/1.png", "b/2.png"], ["README.md"])
    ['*.png']
    >>> telling(["train/a/1.png", "train/b/2.png"], ["test/1.png", "train/x.csv"])
    ['train/*.png']
    """
    suffixes = {PurePosixPath(name).suffix for name in wanted}
    simple = [["*"]]
    if len(suffixes) == 1 or ("" not in suffixes and len(suffixes) <= FEW_SUFFIXES):
        simple.append([f"*{glob.escape(suffix)}" for suffix in sorted(suffixes)])
    begins = {(bool(PurePosixPath(name).parent.name), beginning(name)) for name in wanted}
    called = [f"{'*/' * inside}{glob.escape(word)}*" for inside, word in sorted(begins) if word]
    called *= len(called) == len(begins) <= FEW
    for patterns in ([*first], *simple, called):
        if patterns and _tell(patterns, wanted, others):
            return patterns
    patterns = _of_folder("", list(wanted), list(others))
    if len(patterns) > MOST or not _tell(patterns, wanted, others):
        raise DataError(
            f"no simple pattern tells the images from {first_few(list(others))}; take those out"
        )
    return patterns


def _tell(patterns: Sequence[str], wanted: Collection[str], others: Collection[str]) -> bool:
    return len(select(wanted, patterns)) == len(wanted) and not select(others, patterns)


def _of_folder(prefix: str, wanted: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return patterns for the wanted names below a folder, whose path ``prefix`` is."""
    suffixes = sorted({PurePosixPath(name).suffix for name in wanted})
    for endings in ([""], suffixes):
        patterns = [f"{glob.escape(prefix)}*{glob.escape(ending)}" for ending in endings]
        if _tell(patterns, wanted, others):
            return patterns
    patterns = []
    inner = dict.fromkeys(name[len(prefix) :].partition("/")[0] for name in wanted)
    for part in sorted(inner):
        here = f"{prefix}{part}/"
        below = [name for name in wanted if name.startswith(here)]
        if below:
            beside = [name for name in others if name.startswith(here)]
            patterns += _of_folder(here, below, beside)
        else:
            patterns.append(glob.escape(f"{prefix}{part}"))
        if len(patterns) > MOST:
            break
    return patterns
