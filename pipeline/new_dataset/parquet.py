"""Parquet files with images, as Hugging Face writes them: columns, classes and subsets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.core import console
from pipeline.core.errors import DataError, first_few
from pipeline.extract.hugging_face import class_names, is_image, rows
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import Findings, without_fractions
from pipeline.new_dataset.image_statistics import ImageStatistics
from pipeline.split import published

LABELS = ("label", "labels", "class", "fine_label", "category", "target")
"""Usual names of a column of labels."""


def detect(folder: Path, names: Sequence[str], _: Choices) -> Findings:
    """Read Parquet files in a folder; leave out a subset's that have no labels.

    Raises
    ------
    DataError
        If a file is damaged, no column has images or labels, or no file is for training.
    """
    by_subset = _by_subset(names)
    image, label, known = _columns(folder / by_subset["train"][0])
    images, notes = ImageStatistics(), []
    with console.bar("look", unit="images") as bar:
        for subset, files in list(by_subset.items()):
            try:
                for name in files:
                    for number, row in enumerate(rows(folder / name, image, label)):
                        images.add(f"{subset}-{number}", row.label, row.content, subset)
                        bar.update()
            except DataError as error:
                if subset == "train" or "has no label" not in str(error):
                    raise
                del by_subset[subset]
                notes.append(f"the files for {subset} have no labels and are left out")
    extract: dict[str, Any] = dict(by_subset)
    if image != "image":
        extract["image"] = image
    if label != "label":
        extract["label"] = label
    numbers = all(map(str.isdecimal, images.classes))
    return Findings(
        kind="parquet",
        description="Parquet files with images, as Hugging Face writes them",
        images=images,
        files=[name for files in by_subset.values() for name in files],
        extract=extract,
        classes=known or sorted(images.classes, key=int if numbers else str),
        decode=images.decode(),
        split=dict(without_fractions(by_subset)),
        notes=notes,
    )


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


def _columns(path: Path) -> tuple[str, str, list[str] | None]:
    """Return the columns of images and of labels, and the classes' names, if the file has them."""
    try:
        schema = pq.read_schema(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path.name}: is damaged, or not Parquet ({' '.join(str(error).split())[:200]})"
        ) from None
    columns = f"its columns are {first_few(schema.names, 20)}"
    image = next((name for name in schema.names if is_image(schema.field(name).type)), None)
    if image is None:
        raise DataError(f"{path.name}: no column has images, a struct with bytes; {columns}")
    named = [name for name in schema.names if class_names(schema, name)]
    usual = [name for name in LABELS if name in schema.names]
    label = next((name for name in [*named, *usual] if name != image), None)
    if label is None:
        raise DataError(f"{path.name}: no column is called {' or '.join(LABELS)}; {columns}")
    return image, label, class_names(schema, label)
