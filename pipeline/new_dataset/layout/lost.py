"""Folders beside those of classes that hold no image: classes that would vanish."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from pipeline.core.errors import DataError, first_few
from pipeline.new_dataset.image_statistics import described_suffixes
from pipeline.new_dataset.layout.tree import WRAPPERS, folders
from pipeline.split.published import meaning

NOTES = {
    *("", ".txt", ".md", ".rst", ".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".xml", ".yaml"),
    *(".yml", ".html", ".htm", ".pdf", ".log", ".py", ".ipynb", ".sh", ".zip", ".npy", ".mat"),
}
"""Suffixes of files that say something of images, and are not meant to be any."""
CHOOSE = "name the folders to take (--only 'FOLDER/*', again for another)"
Path = tuple[str, ...]


def check(classes: Mapping[str, str], others: Iterable[str], empty: Iterable[str]) -> list[str]:
    """Return notes on folders without an image: of no class, of one that has others, of a subset.

    Parameters
    ----------
    classes : mapping of str to str
        The class of each image, by its path.
    others : iterable of str
        Paths of files that are no images.
    empty : iterable of str
        Paths of folders without any file.

    Raises
    ------
    DataError
        If a folder beside those of classes is empty, or none of its files is an image that is read.
    """
    own = {tuple(folders(name)): one for name, one in classes.items()}
    inside = {path[:depth] for path in own for depth in range(len(path) + 1)}
    around = {path[:-1] for path in own if path} | {_around(*item) for item in own.items()}
    files: dict[Path, list[str]] = {}
    for name in others:
        if path := _lost(folders(name), inside, around):
            files.setdefault(path, []).append(name)
    lost = {path: names for path, names in files.items() if not all(map(_is_note, names))}
    if lost:
        shown = [f"{'/'.join(path)} ({described_suffixes(lost[path])})" for path in sorted(lost)]
        raise DataError(
            f"no file is an image that is read in {first_few(shown)}, beside the folders of "
            f"classes; convert them, take the folder out, or {CHOOSE}"
        )
    parts = [[part for part in name.split("/") if part] for name in empty]
    bare = {path for one in parts if (path := _lost(one, inside, around))} - set(files)
    known = set(classes.values())
    if vanished := ["/".join(path) for path in sorted(bare) if path[-1] not in known]:
        raise DataError(
            f"no file is in {first_few(vanished)}, beside the folders of classes; put its images "
            f"there, take it out, or {CHOOSE}"
        )
    shown = [f"{'/'.join(path)} ({described_suffixes(files[path])})" for path in sorted(files)]
    shown += [f"{'/'.join(path)} (empty)" for path in sorted(bare)]
    notes = [f"no image is in {first_few(shown)}, beside the folders of classes"] * bool(shown)
    if subsets := ["/".join(path) for path in parts if path and meaning(path[-1]).subset]:
        notes.append(f"no file is in {first_few(subsets)}, which is called as a subset")
    return notes


def _is_note(name: str) -> bool:
    """Return whether a file is meant to be no image; one without suffix and number, as README."""
    path = PurePosixPath(name)
    return path.suffix.lower() in NOTES and bool(path.suffix or not re.search(r"\d", path.name))


def _around(path: Path, own: str) -> Path:
    """Return the folder around that of an image's class, or around its own."""
    named = [at for at, part in enumerate(path) if part == own]
    return path[: named[-1]] if named else path[:-1]


def _lost(path: Collection[str], inside: Collection[Path], around: Collection[Path]) -> Path:
    """Return the outermost folder of a path that stands beside those of classes; () if none does.

    In it may only be such folders as there are in those of classes.
    """
    whole = tuple(path)
    for depth in range(1, len(whole) + 1):
        if whole[:depth] not in inside:
            is_beside = whole[: depth - 1] in around
            rest = [part for part in whole[depth:] if part.lower() not in WRAPPERS]
            return whole[:depth] if is_beside and not rest else ()
    return ()
