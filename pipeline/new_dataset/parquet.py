"""Parquet files with images, as Hugging Face writes them: columns, classes and subsets."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.core import console
from pipeline.core.errors import DataError, first_few
from pipeline.extract.parquet import rows
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import Findings, ordered, without_fractions
from pipeline.new_dataset.image_statistics import ImageStatistics
from pipeline.new_dataset.layout import patterns
from pipeline.new_dataset.tables import parquet
from pipeline.new_dataset.tables.parquet import ParquetColumns
from pipeline.split import published


def detect(folder: Path, names: Sequence[str], choices: Choices) -> Findings:
    """Read Parquet files in a folder; leave out a subset's that have no labels.

    Raises
    ------
    DataError
        If a file is damaged, no column has images, which has the classes is not clear, or no file
        is for training.
    """
    try:
        return _detect(folder, names, choices)
    except DataError as error:
        raise DataError(str(error).replace(f"{folder}/", "")) from None


def _detect(folder: Path, names: Sequence[str], choices: Choices) -> Findings:
    by_subset = _by_subset(_of_one_configuration(_chosen(names, choices.only)))
    train = [folder / name for name in by_subset["train"]]
    columns = parquet.choose(train, choices)
    image, labels, division = columns.image, columns.labels, columns.division
    is_one_hot = len(labels) > 1
    notes = [f"classes are read from {columns.why}"] * bool(columns.why)
    for subset, files in list(by_subset.items()):
        if parquet.is_unlabelled([folder / name for name in files], labels) and subset != "train":
            del by_subset[subset]
            notes.append(f"the files for {subset} have no labels and are left out")
    if division.column and len(by_subset) > 1:
        raise DataError(
            f"the files' names and the column {division.column} both say the subset; leave out the "
            "column, or give files of one subset (--only)"
        )
    images = ImageStatistics()
    with console.bar("look", unit="images") as bar:
        for subset, files in by_subset.items():
            paths = [folder / name for name in files]
            label, others = (None, labels) if is_one_hot else (labels[0], ())
            for number, row in enumerate(rows(paths, image, label, others)):
                own = division.subsets[number] if division.column else subset
                class_name = parquet.class_of(row, labels, paths[row.file])
                images.add(f"{subset}-{number}", class_name, row.content, own)
                bar.update()
    split: dict[str, Any] = dict(without_fractions(by_subset))
    if division.column:
        split = {"column": division.column, **without_fractions(set(division.subsets))}
    elif columns.groups.column and len(by_subset) == 1:
        split["groups"] = columns.groups.column
    used = [name for name in (split.get("column"), split.get("groups")) if name]
    published = division.column or (len(by_subset) > 1 and "the files' names")
    notes += [*division.notes, *columns.groups.notes(str(published or ""))]
    decode = images.decode()
    if is_one_hot:
        decode["labels"] = {"one_hot": list(labels)}
    named = columns.known or []
    known = [name for name in (labels if is_one_hot else named) if name in images.classes]
    if named and (unused := len(named) - len(known)):
        notes.append(f"{unused:,} names of classes are left out, for no image has them")
    return Findings(
        kind="parquet",
        description="Parquet files with images, as Hugging Face writes them",
        images=images,
        files=[name for files in by_subset.values() for name in files],
        extract={**by_subset, **_extracted(columns, used)},
        classes=known or ordered(images.classes),
        decode=decode,
        split=split,
        notes=notes,
    )


def _extracted(columns: ParquetColumns, used: Sequence[str]) -> dict[str, Any]:
    """Return what ``extract`` must say of the columns, with others that are used."""
    image, labels = columns.image, columns.labels
    is_one_hot = len(labels) > 1
    others = [*labels * is_one_hot, *(name for name in used if name not in labels)]
    extract: dict[str, Any] = {"image": image} if image != "image" else {}
    if labels != ("label",):
        extract["label"] = None if is_one_hot else labels[0]
    return extract | ({"columns": others} if others else {})


def _chosen(names: Sequence[str], only: Sequence[str]) -> list[str]:
    """Return the files that match the patterns; those of folders were chosen by their paths."""
    chosen = patterns.select(names, only)
    if chosen or any("/" in pattern for pattern in only):
        return chosen or list(names)
    raise DataError("none of the files matches --only")


def _of_one_configuration(names: Sequence[str]) -> list[str]:
    """Return the files' names; raise DataError if they are of several configurations."""
    beginnings: dict[str, list[str]] = {}
    for name in names:
        before = re.split(r"[-_.](?=\w)", name)
        at = next((at for at, word in enumerate(before) if published.subset(word)), 0)
        beginnings.setdefault("-".join(before[:at]), []).append(name)
    trained = [start for start, files in beginnings.items() if "train" in map(_subset_of, files)]
    if len(trained) > 1:
        shown = [f"--only '{start}*' ({len(beginnings[start])} files)" for start in sorted(trained)]
        raise DataError(
            f"the files are of several configurations, which are not merged; choose: "
            f"{first_few(shown)}"
        )
    return list(names)


def _by_subset(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the files' names by the subsets that they name; all are for training if none does."""
    by_subset: dict[str, list[str]] = {}
    for name in sorted(names):
        by_subset.setdefault(_subset_of(name), []).append(name)
    if "train" in by_subset:
        return by_subset
    if len(by_subset) > 1:
        raise DataError(
            f"there are files for {' and '.join(by_subset)}, but none for train (train-*.parquet)"
        )
    return {"train": sorted(names)}


def _subset_of(name: str) -> str:
    """Return the subset that a file's name says, as in ``data-train-00000-of-00002.parquet``."""
    words = name.removesuffix(".parquet").replace("_", "-").replace(".", "-").split("-")
    return next(filter(None, map(published.subset, words)), "")
