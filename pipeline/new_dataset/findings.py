"""What a detector found in published files, and the parameters that it proposes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pipeline.core.errors import DataError, first_few
from pipeline.extract.kind import Kind
from pipeline.new_dataset.image_statistics import ImageStatistics, described_suffixes
from pipeline.new_dataset.tables import words

NOTES = {
    *("", ".txt", ".md", ".rst", ".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".xml", ".yaml"),
    *(".yml", ".html", ".htm", ".pdf", ".log", ".py", ".ipynb", ".sh", ".zip", ".npy", ".mat"),
}
"""Suffixes of files that say something of images, and are not meant to be any."""


LISTS = {".txt", ".csv", ".tsv", ".json", ".jsonl", ".lst", ".mat", ".xlsx", ".pkl"}
"""Suffixes of files that may list images."""


@dataclass
class Findings:
    """A dataset as its files show it."""

    kind: Kind
    description: str
    """The kind in words, for people."""
    images: ImageStatistics
    files: list[str]
    """Names of the files that it is made of."""
    extract: dict[str, Any]
    classes: list[str]
    decode: dict[str, Any] = field(default_factory=dict)
    """Without the classes."""
    split: dict[str, Any] = field(default_factory=dict)
    """None for a key that must not be there."""
    notes: list[str] = field(default_factory=list)
    """Sentences for people."""

    def check(self) -> None:
        """Raise DataError if a class would vanish: if no image of it can be used or trained on."""
        usable, trained = self.images.classes, self.images.trained
        lost = {name: self.images.reasons(name) for name in self.classes if not usable[name]}
        if faulty := [f"{name} ({reasons})" for name, reasons in lost.items() if reasons]:
            raise DataError(
                f"no image can be used of {_classes(faulty)}; mend or convert them, or take "
                "the class out"
            )
        untrained = [
            name + f" ({self.images.reasons(name)})" * bool(self.images.reasons(name))
            for name in self.classes
            if usable[name] and not trained[name]
        ]
        if untrained:
            anew = ", or divide all images anew (--subsets none)" * (self.kind == "archive")
            raise DataError(
                f"the data's own division has no image for training of {_classes(untrained)}; put "
                f"some of its images there, or take the class out{anew}"
            )

    def warn(self) -> None:
        """Add notes on images that are there twice, and on classes of one image."""
        if repeated := self.images.repeated:
            (one, other), *_ = repeated
            is_divided = any(group.subset for group in self.images.groups)
            where = "in two subsets" if is_divided else "copies of others"
            self.notes.append(
                f"{len(repeated):,} images are {where}, byte for byte, such as {one} and {other}: "
                "what is measured on them is too good"
            )
        if single := [name for name, count in self.images.classes.items() if count == 1]:
            self.notes.append(
                f"the image of {_classes(single)} is learned or tested, not both: it has only one"
            )


def is_list_of_subsets(name: str) -> bool:
    """Return whether a file may be a list of a subset's images, by its name.

    Examples
    --------
    >>> is_list_of_subsets("meta/train.txt"), is_list_of_subsets("train_test_split.csv")
    (True, True)
    >>> is_list_of_subsets("train/notes.txt"), is_list_of_subsets("test.py")
    (False, False)
    """
    path = PurePosixPath(name)
    return path.suffix.lower() in LISTS and words.is_division(path.stem)


def refuse_lost_folders(images: Iterable[str], others: Sequence[str]) -> None:
    """Raise DataError if a folder beside those of classes holds files, but no image that is read.

    Parameters
    ----------
    images, others : iterable of str
        Paths of the images, and of files that are none.
    """
    own = {PurePosixPath(name).parent for name in images}
    around = {folder.parent for folder in own if folder.name}
    inside = {folder for one in own for folder in (one, *one.parents)}
    lost: dict[str, list[str]] = {}
    for path in map(PurePosixPath, others):
        folder = path.parent
        if folder not in inside and folder.parent in around and path.suffix.lower() not in NOTES:
            lost.setdefault(str(folder), []).append(path.name)
    if lost:
        shown = [f"{name} ({described_suffixes(files)})" for name, files in sorted(lost.items())]
        raise DataError(
            f"no file is an image that is read in {first_few(shown)}, beside the folders of "
            "classes; convert them, take the folder out, or name the folders to take (--only "
            "'FOLDER/*', again for another)"
        )


def alike(names: Iterable[str]) -> tuple[str, str] | None:
    """Return two names that differ in spaces, or in case alone but for single letters.

    Examples
    --------
    >>> alike(["cat", "dog", "Cat"]), alike(["cat", "a", "A"])
    (('cat', 'Cat'), None)
    """
    first: dict[str, str] = {}
    for name in names:
        key = name.strip() if len(name.strip()) == 1 else name.strip().casefold()
        if (other := first.setdefault(key, name)) != name:
            return other, name
    return None


def _classes(names: list[str]) -> str:
    """Return classes in words, such as ``2 classes, cat and dog``."""
    if len(names) == 1:
        return f"class {names[0]}"
    return f"{len(names):,} classes, {first_few(names)}"


def without_fractions(subsets: Collection[str]) -> dict[str, None]:
    """Return None for the fraction of each subset that the data has itself.

    Examples
    --------
    >>> without_fractions({"train", "test"})
    {'test_fraction': None}
    """
    return {f"{name}_fraction": None for name in ("test", "validation") if name in subsets}
