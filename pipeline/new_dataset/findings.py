"""What a detector found in published files, and the parameters that it proposes."""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pipeline.core import limits
from pipeline.core.errors import DataError, first_few
from pipeline.extract.kind import Kind
from pipeline.new_dataset.image_statistics import ImageStatistics
from pipeline.new_dataset.tables import words

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


def ordered(classes: Collection[str]) -> list[str]:
    """Return classes in the order of their labels: by number if all are whole numbers, or by name.

    Examples
    --------
    >>> ordered({"10", "2", "1"}), ordered({"10", "2", "b"})
    (['1', '2', '10'], ['10', '2', 'b'])
    """
    if None in map(limits.number, classes):
        return sorted(classes)
    return sorted(classes, key=lambda name: (int(name), name))


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


def alike(names: Iterable[str]) -> tuple[str, str] | None:
    """Return in words which two names differ in little, and in what; None if none do.

    Single letters in another case are no such names.

    Examples
    --------
    >>> alike(["cat", "dog", "Cat"]), alike(["cat", "a", "A"])
    (("'cat' and 'Cat'", 'differ in case or spaces alone'), None)
    """
    first: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFC", name).strip()
        key = key if len(key) == 1 else key.casefold()
        if (other := first.setdefault(key, name)) == name:
            continue
        if unicodedata.is_normalized("NFC", name) == unicodedata.is_normalized("NFC", other):
            return f"{other!r} and {name!r}", "differ in case or spaces alone"
        return f"{other!a} and {name!a}", (
            "differ in Unicode normalization alone (an accent behind its letter, as macOS writes "
            "it, or in one character with it)"
        )
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
