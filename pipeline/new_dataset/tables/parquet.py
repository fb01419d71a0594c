"""Columns of Parquet files with images: those of images, classes, subsets and groups."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.core import limits
from pipeline.core.errors import DataError, first_few
from pipeline.extract import parquet
from pipeline.extract.hugging_face import OWN_COLUMNS
from pipeline.extract.parquet import Described, Row
from pipeline.labels.one_hot import is_one
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.tables import classes as class_columns
from pipeline.new_dataset.tables import division, groups, multi_label, words
from pipeline.new_dataset.tables.division import Division
from pipeline.new_dataset.tables.groups import Groups

ZEROS = ("0", "0.0", "False")
MEMORY = 600_000_000
"""Bytes of the values of all columns together."""


class ParquetColumns(NamedTuple):
    """Columns, and what they say."""

    image: str
    labels: tuple[str, ...]
    """The column of classes; or several, one-hot."""
    why: str
    """What they are read from, and why, in words; ``""`` where it is plain."""
    known: list[str] | None
    """The classes by the files' metadata, in the order of their numbers."""
    division: Division
    groups: Groups


def choose(paths: Sequence[Path], choices: Choices) -> ParquetColumns:
    """Return the columns of the files with images for training.

    Raises
    ------
    DataError
        If a file is damaged or lacks a column, no column has images, which has the classes is not
        clear; if an image has several classes.
    """
    described = parquet.describe(paths)
    first, name = described[0], paths[0].name
    shown = f"its columns are {first_few(first.names, 20)}"
    counts = Counter(first.names)
    telling = [one for one in counts if words.class_rank(one) or words.is_name(one)]
    if twice := [one for one in telling if counts[one] > 1]:
        raise DataError(f"{name}: has column {first_few(twice)} more than once; write it anew")
    if not first.images:
        raise DataError(f"{name}: no column has images, a struct with bytes; {shown}")
    for option, column in (
        *(("--label", label) for label in choices.label),
        ("--group", choices.group),
        ("--subset", choices.subset),
    ):
        if column is not None and column not in first.names:
            raise DataError(f"{name}: has no column {column} ({option}); {shown}")
        usable = [*first.plain, *(first.lists if option == "--label" else [])]
        if column is not None and column not in usable:
            raise DataError(f"{name}: column {column} ({option}) holds neither text nor numbers")
    image = _image(first, choices.id, name)
    values = _values(paths, described)
    divided = division.find(values, "", choices.subset, name, is_wanted=True)
    labels, why = _labels(first, values, divided, choices, name)
    used = [*labels, divided.column]
    found = groups.find(values, used, choices.group, name)
    return ParquetColumns(image, labels, why, first.classes.get(labels[0]), divided, found)


def is_unlabelled(paths: Sequence[Path], labels: Sequence[str]) -> bool:
    """Return whether no row of some files has a label; one-hot ones are 0 in all columns."""
    described = zip(paths, parquet.describe(paths), strict=True)
    labelled = [path for path, columns in described if set(labels) <= set(columns.names)]
    none = ("", "-1") if len(labels) == 1 else ("", "-1", *ZEROS)
    found = parquet.texts(labelled, labels) if labelled else []
    return all(value in none for columns in found for values in columns for value in values)


def class_of(row: Row, labels: Sequence[str], path: Path) -> str:
    """Return a row's class; raise DataError if not just one of its one-hot columns holds 1."""
    if len(labels) == 1:
        return row.label
    ones = [name for name, value in zip(labels, row.others, strict=True) if is_one(value)]
    if len(ones) != 1:
        multi_label.refuse_one_hot(labels, [len(ones)], path.name)
    return ones[0]


def _image(described: Described, chosen: str | None, name: str) -> str:
    """Return the column of images: the chosen one, the only one, or the one that is called so."""
    possible = described.images
    if chosen is not None:
        if chosen not in possible:
            raise DataError(
                f"{name}: column {chosen} (--id) has no images: {first_few(possible)} has"
            )
        return chosen
    named = [one for one in possible if words.is_name(one)] or possible
    plain = [one for one in named if words.NAME.issuperset(words.words(one))]
    best = plain if len(plain) == 1 else named
    if len(best) > 1:
        raise DataError(
            f"{name}: the columns {first_few(possible)} have images, and one image a row is "
            "learned; choose with --id COLUMN"
        )
    return best[0]


def _labels(
    described: Described,
    values: dict[str, list[str]],
    divided: Division,
    choices: Choices,
    name: str,
) -> tuple[tuple[str, ...], str]:
    """Return the columns of classes, and what they are, in words."""
    possible = choices.label or tuple(n for n in described.names if words.class_rank(n) == 2)
    several = [one for one in possible if one in described.lists]
    if several and (choices.label or len(several) == len(possible)):
        raise DataError(
            f"{name}: {several[0]} is multi-label: it has lists of classes, and one class an image "
            "can be learned; choose another column with --label"
        )
    named = {one: values[one] for one in values if one in described.classes}
    if len(named) == 1 and not choices.label:
        return tuple(named), ""
    found = class_columns.find(named or values, choices.label, [divided.column], name)
    if reserved := set(found.columns).intersection(OWN_COLUMNS) if len(found.columns) > 1 else ():
        raise DataError(
            f"{name}: a one-hot column is called {first_few(sorted(reserved))}, as one of the "
            "pipeline's own; rename it"
        )
    return found.columns, str(found)


def _values(paths: Sequence[Path], described: Sequence[Described]) -> dict[str, list[str]]:
    """Return the values of all columns of text and numbers, as text."""
    plain = described[0].plain
    for path, columns in zip(paths, described, strict=True):
        if absent := [name for name in plain if name not in columns.names]:
            raise DataError(
                f"{path.name}: has no column {first_few(absent)}, as {paths[0].name} has; files of "
                "several datasets or configurations are not merged"
            )
    values: dict[str, list[str]] = {name: [] for name in plain}
    same: dict[str, str] = {}  # a value that many rows have is held once
    with limits.memory(paths[0].name, MEMORY):
        for batch in parquet.texts(paths, plain) if plain else []:
            for name, texts in zip(plain, batch, strict=True):
                values[name] += [same.setdefault(text, text) for text in texts]
    return values
