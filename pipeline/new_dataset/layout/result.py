"""What the folders of images were found to say, and in which parameters the stages say it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.core.errors import DataError
from pipeline.labels.folders import Place
from pipeline.new_dataset.layout.tree import folders
from pipeline.split import published

SHOWN = 8
"""Classes that a refusal shows of each reading."""


@dataclass
class Layout:
    """A reading of the folders: which image is of which class and subset."""

    classes: dict[str, str]
    """The class of each image that is taken."""
    subsets: dict[str, str] = field(default_factory=dict)
    """The subset of each; empty if the folders do not divide the images."""
    place: Place | None = None
    """``decode.classes_at``."""
    division: bool | dict[str, str] = False
    """``split.folders``."""
    notes: list[str] = field(default_factory=list)
    """Sentences for people."""


class Reading(NamedTuple):
    """One way in which folders can be read."""

    classes: Mapping[str, int]
    """Images of each class."""
    option: str
    """The option of ``new-dataset`` that chooses it."""

    def __str__(self) -> str:
        shown = [f"{name}: {count:,}" for name, count in sorted(self.classes.items())]
        more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
        return f"{self.option} ({', '.join(shown[:SHOWN])}{more})"


class AmbiguousError(DataError):
    """Folders that can be read in more than one way, each of which an option chooses."""


def ambiguous(why: str, readings: Sequence[Reading]) -> AmbiguousError:
    """Return an error with the readings, their counts and their options."""
    return AmbiguousError(f"{why}; choose: " + ", or ".join(map(str, readings)))


def by_depth(names: Sequence[str]) -> list[Reading]:
    """Return the readings in which a folder's number in the path, from 1 or -1, says the class.

    Those are left out by which there is one class, that are a lower number's, or by which subsets
    are classes.

    Examples
    --------
    >>> for reading in by_depth(["x/animal/cat/1.png", "x/animal/dog/1.png", "x/plant/oak/1.png"]):
    ...     print(reading)
    --classes-at 2 (animal: 2, plant: 1)
    --classes-at 3 (cat: 1, dog: 1, oak: 1)
    """
    paths = [folders(name) for name in names]
    shortest = min(map(len, paths), default=0)
    readings: dict[tuple[str, ...], Reading] = {}
    for depth in [*range(1, shortest + 1), -1][: None if shortest else 0]:
        own = tuple(path[depth - 1 if depth > 0 else depth] for path in paths)
        subsets = set(map(published.subset, own)) - {""}
        if len(set(own)) > 1 and len(subsets) < 2:
            readings.setdefault(own, Reading(Counter(own), f"--classes-at {depth}"))
    return list(readings.values())


def only(patterns: Sequence[str]) -> str:
    """Return the options that take what matches patterns."""
    return " ".join(f"--only '{pattern}'" for pattern in patterns)
