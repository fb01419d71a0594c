"""Columns of Parquet files with images: those of images, classes, subsets and groups."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.core import limits
from pipeline.core.errors import DataError, first_few
from pipeline.extract import parquet
from pipeline.extract.parquet import Described
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.tables import classes as class_columns
from pipeline.new_dataset.tables import division, groups, words
from pipeline.new_dataset.tables.division import Division
from pipeline.new_dataset.tables.groups import Groups

MEMORY = 600_000_000
"""Bytes of the values of all columns together."""


class ParquetColumns(NamedTuple):
    """Columns, and what they say."""

    image: str
    label: str
    why: str
    """Why ``label``, in words; ``""`` where it is plain."""
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
    if choices.id is not None:
        raise DataError("--id goes with a table of labels, not with Parquet files")
    if len(choices.label) > 1:
        raise DataError("several one-hot columns (--label) go with a table, not with Parquet files")
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
    values = _values(paths, described)
    divided = division.find(values, "", choices.subset, name, is_wanted=True)
    label, why = _label(first, values, divided, choices, name)
    used = [label, divided.column]
    found = groups.find(values, used, choices.group, name)
    image = next((one for one in first.images if words.is_name(one)), first.images[0])
    return ParquetColumns(image, label, why, first.classes.get(label), divided, found)


def is_unlabelled(paths: Sequence[Path], label: str) -> bool:
    """Return whether no row of some files has a label."""
    described = zip(paths, parquet.describe(paths), strict=True)
    labelled = [path for path, columns in described if label in columns.names]
    found = parquet.texts(labelled, [label]) if labelled else []
    return all(value in ("", "-1") for (values,) in found for value in values)


def _label(
    described: Described,
    values: dict[str, list[str]],
    divided: Division,
    choices: Choices,
    name: str,
) -> tuple[str, str]:
    """Return the column of classes, and why it is taken."""
    possible = choices.label or tuple(n for n in described.names if words.class_rank(n) == 2)
    several = [one for one in possible if one in described.lists]
    if several and (choices.label or len(several) == len(possible)):
        raise DataError(
            f"{name}: {several[0]} is multi-label: it has lists of classes, and one class an image "
            "can be learned; choose another column with --label"
        )
    named = {one: values[one] for one in values if one in described.classes}
    if len(named) == 1 and not choices.label:
        return next(iter(named)), ""
    found = class_columns.find(named or values, choices.label, [divided.column], name)
    if len(found.columns) > 1:
        raise DataError(
            f"{name}: has one-hot columns, {first_few(list(found.columns))}; one column of classes "
            "is needed (--label COLUMN)"
        )
    return found.columns[0], found.why


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
