"""Subsets that a data set was published with.

They are read from an image's id (``train-0``, made from its IDX or Parquet file), from its folders,
or from a column of the table of labels.
"""

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, ParameterError, first_few
from pipeline.labels.folders import folder_of
from pipeline.subsets.split import SUBSETS

NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Subsets by their usual names, in lower case."""
RARER = {"trainval": "train", "evaluation": "test", "eval": "test"}
"""Subsets by names that are less usual."""
FILLERS = frozenset({"set", "data", "dataset", "image", "images", "img", "imgs", "seg", "split"})
"""Words that say no more of a subset, as in ``training_set`` or ``seg_test``."""


class Meaning(NamedTuple):
    """A name that has a subset's among its words."""

    subset: str
    """``""`` if there is none, or are several."""
    others: str
    """The name's other words."""


@lru_cache(maxsize=10_000)  # of a million paths' folders few differ
def meaning(name: str) -> Meaning:
    """Return the subset that one of a name's words means, and the other words.

    Examples
    --------
    >>> meaning("asl_alphabet_train"), meaning("Test-multiple"), meaning("cat")
    (Meaning(subset='train', others='asl alphabet'), Meaning(subset='test', others='multiple'), \
Meaning(subset='', others='cat'))
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", spaced)]
    words = [re.sub(r"(?<=[lnt])(set|data)$|(?<=ing)(set|data)$", "", word) for word in words]
    found = [known[word] for word in words for known in (NAMES, RARER) if word in known]
    others = [word for word in words if word not in NAMES and word not in RARER]
    return Meaning(found[0] if len(set(found)) == 1 else "", " ".join(others))


def subset(name: str) -> str:
    """Return the subset that a name means; ``""`` if it means none, or something else too.

    Examples
    --------
    >>> subset("Val"), subset("training_set"), subset("test1"), subset("seg_test")
    ('validation', 'train', 'test', 'test')
    >>> subset("cat"), subset("test_tube")
    ('', '')
    """
    found = meaning(name)
    return "" if set(found.others.split()) - FILLERS else found.subset


def by_id(ids: Sequence[str]) -> NDArray[np.int8]:
    """Return the subsets, positions in ``SUBSETS``, of ids such as ``validation-17``."""
    return np.array([SUBSETS.index(name.partition("-")[0]) for name in ids], np.int8)


def by_folder(ids: Sequence[str], archive: str) -> NDArray[np.int8]:
    """Return the subsets of images by the innermost of their folders that has a subset's name.

    Parameters
    ----------
    ids : sequence of str
        The images' paths.
    archive : str
        What they are in, for messages.

    Raises
    ------
    DataError
        If an image is in no such folder.
    """
    names = {
        folder
        for path in ids
        for folder in path.replace("\\", "/").split("/")[:-1]
        if subset(folder)
    }
    return _positions(
        [subset(folder_of(path, names)) for path in ids],
        lambda lost: (
            f"{archive}: split.folders is true, but {len(lost):,} images are in no folder of a "
            f"subset's name ({', '.join(NAMES)}): {first_few([ids[row] for row in lost])}"
        ),
    )


def by_pattern(ids: Sequence[str], patterns: Mapping[str, str], archive: str) -> NDArray[np.int8]:
    """Return the subsets of images by the first pattern that their paths match.

    Parameters
    ----------
    ids : sequence of str
        The images' paths.
    patterns : mapping of str to str
        Subsets by shell-style patterns, case-sensitive; ``*`` also matches ``/``.
    archive : str
        What they are in, for messages.

    Raises
    ------
    DataError
        If an image matches none.
    """
    compiled = [(re.compile(fnmatch.translate(one)), name) for one, name in patterns.items()]
    paths = [path.replace("\\", "/") for path in ids]
    return _positions(
        [next((name for one, name in compiled if one.match(path)), "") for path in paths],
        lambda lost: (
            f"{archive}: {len(lost):,} images match no pattern of split.folders "
            f"({first_few(list(patterns))}): {first_few([ids[row] for row in lost])}"
        ),
    )


def by_column(values: Sequence[str], table: str, column: str) -> NDArray[np.int8]:
    """Return the subsets of images by their values in a column of their table.

    Raises
    ------
    DataError
        If a value is not a subset's name.
    """
    return _positions(
        [subset(value) for value in values],
        lambda lost: (
            f"{table}: column {column} (split.column) is in {len(lost):,} rows no subset "
            f"({', '.join(NAMES)}): {first_few(sorted({values[row] for row in lost}))}"
        ),
    )


def refuse_fraction(subset: str) -> NoReturn:
    """Raise ParameterError over a fraction that is given for a published subset."""
    raise ParameterError(
        f"split.{subset}_fraction has no effect, for the data have a {subset} subset of their own; "
        "remove it from params.yaml"
    )


def _positions(subsets: list[str], message: Callable[[list[int]], str]) -> NDArray[np.int8]:
    lost = [row for row, name in enumerate(subsets) if not name]
    if lost:
        raise DataError(message(lost))
    return np.array([SUBSETS.index(name) for name in subsets], np.int8)
