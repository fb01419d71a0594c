"""What a detector found in published files, and the parameters that it proposes."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from pipeline.extract.kind import Kind
from pipeline.new_dataset.image_statistics import ImageStatistics


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


def without_fractions(subsets: Collection[str]) -> dict[str, None]:
    """Return None for the fraction of each subset that the data has itself.

    Examples
    --------
    >>> without_fractions({"train", "test"})
    {'test_fraction': None}
    """
    return {f"{name}_fraction": None for name in ("test", "validation") if name in subsets}
