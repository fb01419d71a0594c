"""Reading of folders that nobody explained, by their names and by how they stand in each other."""

import glob
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from shlex import quote

from pipeline.core.errors import DataError, first_few
from pipeline.labels.folders import CLASS, finder
from pipeline.new_dataset.layout import masks, nesting
from pipeline.new_dataset.layout.division import SubsetOf, alike
from pipeline.new_dataset.layout.draft import Draft
from pipeline.new_dataset.layout.patterns import telling
from pipeline.new_dataset.layout.result import AmbiguousError, Reading, ambiguous, by_depth, only
from pipeline.new_dataset.layout.tree import WRAPPERS, Folder, count, folders
from pipeline.split.published import meaning

NO_CLASS = re.compile(
    r"unlabell?ed|unclassified|unassigned|untagged|no(label|class|tag)s?|unsup(ervised)?"
    r"|pred(ict(ions?)?)?",
    re.I,
)
"""A word for images without a class, in the name of a folder, or two of its words."""


def found(root: Folder, subset_of: SubsetOf) -> Draft:
    """Return the one likely reading of a folder.

    Raises
    ------
    AmbiguousError
        If there are several.
    DataError
        If an image is in no folder of a class.
    """
    top = root.unwrapped()
    subsets = {name: subset_of(name) for name in top.inner if subset_of(name)}
    if not subsets:
        subsets = alike(top.inner)
    if subsets:
        return _below_subsets(top, subsets, subset_of)
    if top.images:
        raise DataError(_no_class(top, top))
    if all(_is_divided(folder, subset_of) for folder in top.inner.values()):
        return _above_subsets(top, subset_of)
    _refuse_two_in_one(top)
    if others := [folder for folder in top.inner.values() if is_unlabelled(folder)]:
        raise _extra(
            top,
            [folder for folder in top.inner.values() if folder not in others],
            others,
            subset_of,
        )
    try:
        depth, ignored = nesting.depth([top])
    except AmbiguousError:
        outer = {one: name for name, folder in top.inner.items() for one in folder.everything()}
        masks.refuse(outer)
        raise
    draft = Draft()
    draft.add(top, depth)
    draft.notes += _ignored(ignored)
    if named := [name for name in top.inner if meaning(name).subset]:
        draft.notes.append(f"{first_few(named)}: taken for classes, not for subsets")
    return draft


def is_unlabelled(folder: Folder) -> bool:
    """Return whether a folder is by its name one of images without a class, and by its content."""
    words = re.findall(r"[^\W\d_]+", folder.name)
    said = [*words, *map("".join, pairwise(words))]
    return any(map(NO_CLASS.fullmatch, said)) and len(folder.unwrapped().inner) < 2


def _below_subsets(top: Folder, subsets: Mapping[str, str], subset_of: SubsetOf) -> Draft:
    """Read folders of subsets, in which those of the classes stand."""
    draft = Draft()
    others = [folder for name, folder in top.inner.items() if name not in subsets]
    for folder in [one for one in others if is_unlabelled(one)]:
        draft.leave_out(folder.path, count(folder))
        others.remove(folder)
    if others or top.images:
        raise _extra(top, [top.inner[name] for name in subsets], others, subset_of)
    known = {name for one in subsets for name in _names(top.inner[one])}
    parts = {}
    for name in subsets:
        part = top.inner[name].unwrapped(
            lambda one: one not in known and (subset_of(one) or one.lower() in WRAPPERS)
        )
        if part.images and (part.inner or subsets[name] == "train"):
            raise DataError(_no_class(top, part))
        if part.images:
            draft.leave_out(part.path, count(part))
        else:
            parts[name] = part
    if not parts:
        raise DataError(_no_class(top, part))
    depth, ignored = nesting.depth(list(parts.values()))
    draft.notes += _ignored(ignored)
    trained = {one for name in parts if subsets[name] == "train" for one in parts[name].inner}
    for name, part in parts.items():
        if depth == 1 and len(part.inner) == 1 and trained.isdisjoint(part.inner):
            draft.leave_out(part.path, count(part))
        else:
            draft.add(part, depth, subsets[name], top.inner[name].path)
    return draft


def _above_subsets(top: Folder, subset_of: SubsetOf) -> Draft:
    """Read folders of classes, in each of which those of the subsets stand."""
    draft = Draft()
    for folder in top.inner.values():
        for name, inner in folder.inner.items():
            if inner.unwrapped(lambda one: subset_of(one) or one.lower() in WRAPPERS).inner:
                raise ambiguous(
                    f"folders stand within {'/'.join(inner.path)} and around it, and either could "
                    "be the classes",
                    by_depth(list(top.everything())),
                )
            draft.add(inner, -1, subset_of(name), inner.path)
    return draft


def _extra(
    top: Folder, wanted: Sequence[Folder], others: Sequence[Folder], subset_of: SubsetOf
) -> AmbiguousError:
    """Return the refusal of folders or images that stand beside others."""
    inside = [name for folder in wanted for name in folder.everything()]
    extra = [*top.images, *(name for folder in others for name in folder.everything())]
    options = _told(top)
    if any(folder.unwrapped().inner for folder in wanted) or len(wanted) > 1:
        options.append(_without(inside, extra, subset_of))
    if len(others) > 1:
        options.append(_without(extra, inside, subset_of))
    names = [folder.name for folder in others] or top.images
    return ambiguous(
        f"{len(extra):,} images in {first_few(names)} stand beside those in "
        f"{first_few([folder.name for folder in wanted])}",
        [*(one for one in options if len(one.classes) > 1), *by_depth([*inside, *extra])],
    )


def _told(top: Folder) -> list[Reading]:
    """Return the reading in which folders are subsets whose names say one, and something else."""
    subsets = {name: meaning(name).subset for name in top.inner}
    if top.images or not all(subsets.values()):
        return []
    try:
        classes = Counter(
            _below_subsets(top, subsets, lambda name: subsets.get(name, "")).classes.values()
        )
    except DataError:
        return []
    told = (f"{quote(f'{name}={subset}')}" for name, subset in subsets.items())
    return [Reading(classes, " ".join(f"--subsets {one}" for one in told))]


def _without(wanted: Sequence[str], others: Sequence[str], subset_of: SubsetOf) -> Reading:
    """Return the reading of some images alone, or of their innermost folders."""
    try:
        classes = Counter(found(Folder.of(wanted), subset_of).classes.values())
    except DataError:
        classes = Counter(folders(name)[-1] for name in wanted if folders(name))
    return Reading(classes, only(telling(wanted, others)))


def _refuse_two_in_one(top: Folder) -> None:
    """Refuse folders whose names say class and subset at once, as ``cats`` and ``cats_test``."""
    found: dict[str, set[str]] = {}
    for name in top.inner:
        subset, others = meaning(name)
        if others:
            found.setdefault(others, set()).add(subset)
    if not any(len(subsets) > 1 for subsets in found.values()):
        return
    options = by_depth(list(top.everything()))
    patterns = ("{class}_*", "{class}-*", "{class} *", "*_{class}", "*-{class}", "* {class}")
    prefix = "".join(f"{part}/" for part in top.path)
    for pattern in (f"{prefix}{one}/*" for one in patterns):
        names = {name: finder(pattern)(f"{prefix}{name}/1") for name in top.inner}
        split = {
            own: {meaning(name).subset for name in names if names[name] == own}
            for own in names.values()
        }
        if all(names.values()) and all(len(subsets) > 1 for subsets in split.values()):
            counts: Counter[str] = Counter()
            for name, own in names.items():
                counts[own] += count(top.inner[name])
            words = {name.replace(names[name], "*"): meaning(name).subset for name in top.inner}
            told = " ".join(f"--subsets '{word}={subset}'" for word, subset in words.items())
            options.insert(0, Reading(counts, f"--classes-at '{pattern}' {told}"))
            break
    raise ambiguous("the folders' names say class and subset at once", options)


def _is_divided(folder: Folder, subset_of: SubsetOf) -> bool:
    return not folder.images and bool(folder.inner) and all(map(subset_of, folder.inner))


def _names(folder: Folder) -> list[str]:
    """Return the names of several folders that stand beside each other in a folder."""
    inner = folder.unwrapped().inner
    return list(inner) if len(inner) > 1 else []


def _ignored(folders: Sequence[str]) -> list[str]:
    if not folders:
        return []
    return [
        f"the folders {first_few(list(folders))} are neither classes nor subsets by their names, "
        "and do not matter; --subsets FOLDER=train … would make them subsets"
    ]


def _by_file_name(folder: Folder) -> Reading | None:
    """Return the reading in which the beginnings of images' names are their classes, if any."""
    ends = {PurePosixPath(name).suffix for name in folder.images}
    end = f"*{ends.pop()}" if len(ends) == 1 else "*"
    readings = []
    for separator in "._- ":
        if separator == "." and end == "*":
            continue
        pattern = f"{''.join(f'{part}/' for part in folder.path)}{CLASS}{separator}{end}"
        classes = Counter(map(finder(pattern), folder.images))
        if len(classes) > 1 and "" not in classes and min(classes.values()) > 1:
            readings.append(Reading(classes, f"--classes-at {quote(pattern)}"))
    return min(readings, key=lambda reading: len(reading.classes), default=None)


def _no_class(top: Folder, folder: Folder) -> str:
    """Return the message about the images that stand in a folder beside those of classes."""
    beside = f"{glob.escape('/'.join(folder.path))}/*/*" if folder.path else "*/*"
    wanted = [name for name in top.everything() if name not in set(folder.images)]
    leave = ""
    if folder.inner:
        leave = f"leave them out with {only(telling(wanted, folder.images, [beside]))}, "
    elif said := _by_file_name(folder):
        leave = f"if their names begin with their class, say {said}, or "
    return (
        f"{len(folder.images):,} images are in no folder of a class ({first_few(folder.images)}); "
        f"{leave}give each class a folder, or give a table of labels with "
        "--labels CSV"
    )
