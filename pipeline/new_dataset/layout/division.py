"""Division of images into subsets by the names of their folders or files."""

import glob
from collections.abc import Callable, Iterable, Mapping, Sequence

from pipeline.core.errors import DataError
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.layout.patterns import beginning, select
from pipeline.new_dataset.layout.tree import folders
from pipeline.split import published
from pipeline.subsets.split import SUBSETS

SubsetOf = Callable[[str], str]
"""Returns the subset that a folder's name means, ``""`` if none."""


def subset_of(choices: Choices) -> SubsetOf:
    """Return the function that tells a subset's folder by its name, as the user chose."""
    told = told_subsets(choices)
    if not told:
        return published.subset
    return lambda name: next((told[pattern] for pattern in told if select([name], [pattern])), "")


def told_subsets(choices: Choices) -> dict[str, str]:
    """Return the subsets that the user named, by the shell-style pattern of a folder's name.

    Raises
    ------
    DataError
        If an option is not ``FOLDER=SUBSET``.
    """
    told = {}
    for one in choices.subsets:
        if one == "none":
            continue
        pattern, equals, name = one.rpartition("=")
        subset = published.subset(name)
        if not (equals and pattern and subset):
            raise DataError(
                f"--subsets {one}: is not FOLDER=SUBSET with one of {', '.join(SUBSETS)}, nor none"
            )
        told[pattern] = subset
    return told


def alike(names: Iterable[str]) -> dict[str, str]:
    """Return the subsets of folders whose names differ in them alone; none if others differ too.

    Examples
    --------
    >>> alike(["asl_train", "asl_test"]), alike(["cat_train", "dog_test"])
    ({'asl_train': 'train', 'asl_test': 'test'}, {})
    """
    found = {name: published.meaning(name) for name in names}
    same = len({one.others for one in found.values()}) == 1
    subsets = {name: one.subset for name, one in found.items()}
    return subsets if same and all(subsets.values()) and len(set(subsets.values())) > 1 else {}


def parameter(
    subsets: Mapping[str, str], around: Mapping[str, tuple[str, ...]]
) -> bool | dict[str, str]:
    """Return ``split.folders``, with which the ``split`` stage gives just these subsets.

    Parameters
    ----------
    subsets : mapping of str to str
        The subset of each image.
    around : mapping of str to tuple of str
        For each image the path of the folder that says so.

    Raises
    ------
    DataError
        If there is none.
    """
    names, wanted = list(subsets), list(subsets.values())
    try:
        if [SUBSETS[at] for at in published.by_folder(names, "")] == wanted:
            return True
    except DataError:  # it takes patterns
        pass
    inner_first = sorted(subsets, key=lambda name: -len(around[name]))
    by_path = {
        "/".join((*map(glob.escape, around[name]), "*")): subsets[name] for name in inner_first
    }
    by_name = {
        f"*/{glob.escape(around[name][-1])}/*": subsets[name]
        for name in inner_first
        if around[name]
    }
    for patterns in sorted((by_path, by_name), key=len):
        if _gives(patterns, names, wanted):
            return patterns
    raise DataError(
        "the folders' names do not tell the subsets from all else; rename those of the subsets to "
        "train, validation and test"
    )


def beside_table(
    names: Sequence[str], choices: Choices
) -> tuple[dict[str, str], bool | dict[str, str]]:
    """Return the subsets that folders or file names say of images that a table labels.

    Returns
    -------
    subsets : dict of str to str
        The subset of each image; empty if not all images are in one, or all are for training.
    division : bool or dict of str to str
        ``split.folders``; False without subsets.
    """
    if "none" in choices.subsets:
        return {}, False
    meaning = subset_of(choices)
    around: dict[str, tuple[str, ...]] = {}
    for name in names:
        path = folders(name)
        at = next((at for at, part in enumerate(path) if meaning(part)), None)
        if at is None:
            return by_file(names)
        around[name] = tuple(path[: at + 1])
    subsets = {name: meaning(path[-1]) for name, path in around.items()}
    if len(set(subsets.values())) < 2:
        return by_file(names)
    return subsets, parameter(subsets, around)


def by_file(names: Sequence[str]) -> tuple[dict[str, str], bool | dict[str, str]]:
    """Return the subsets that the beginnings of all files' names say, and ``split.folders``."""
    patterns: dict[str, str] = {}
    subsets = {}
    for name in names:
        begins = beginning(name)
        subset = published.subset(begins)
        if not subset:
            return {}, False
        subsets[name] = subset
        patterns[f"{'*/' if folders(name) else ''}{glob.escape(begins)}*"] = subset
    if set(subsets.values()) <= {"train"} or "train" not in subsets.values():
        return {}, False
    return (subsets, patterns) if _gives(patterns, names, list(subsets.values())) else ({}, False)


def _gives(patterns: Mapping[str, str], names: Sequence[str], wanted: Sequence[str]) -> bool:
    try:
        return [SUBSETS[at] for at in published.by_pattern(names, patterns, "")] == wanted
    except DataError:
        return False
