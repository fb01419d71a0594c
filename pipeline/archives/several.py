"""Several archives as one, in which each is a folder that is called as the archive.

So they are read as if each were unpacked into a folder of its own. A single archive's members keep
their names.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.archives import pieces
from pipeline.archives.limits import Limits, Members
from pipeline.archives.members import READERS
from pipeline.archives.members import members as of_one


def members(
    paths: Sequence[Path],
    pattern: str | Sequence[str],
    limits: Limits,
    names_encoding: str | None = None,
    others: dict[str, int] | None = None,
) -> Members:
    """Yield the members of archives, one after the other; parameters and errors as ``members``.

    Parameters
    ----------
    paths : sequence of Path
        The archives. The pattern is compared with names that begin with the archive's folder, if
        there are several.
    limits : Limits
        Of each archive.
    """
    for path, folder in zip(paths, folders([path.name for path in paths]), strict=True):
        yield from of_one(path, pattern, limits, names_encoding, others, folder)


def folders(names: Sequence[str]) -> list[str]:
    """Return the folder of each archive, which ends in a slash; nothing for a single one.

    Raises
    ------
    ValueError
        If two archives have the same.

    Examples
    --------
    >>> folders(["train.zip", "test.tar.gz"]), folders(["train.zip"])
    (['train/', 'test/'], [''])
    """
    if len(names) == 1:
        return [""]
    found = [f"{_stem(name)}/" for name in names]
    if twice := [folder for folder, count in Counter(found).items() if count > 1]:
        raise ValueError(f"several archives are called {twice[0][:-1]}; rename one of them")
    return found


def length(paths: Sequence[Path]) -> int:
    """Return the bytes of archives with all their pieces; raises as ``pieces.length``."""
    return sum(map(pieces.length, paths))


def _stem(name: str) -> str:
    """Return an archive's name without the suffix that says so, and without a piece's number."""
    whole = pieces.whole_name(name)
    suffix = max((s for s in READERS if whole.lower().endswith(s)), key=len, default="")
    return whole[: len(whole) - len(suffix)]
