"""Extraction of Parquet files with images, as Hugging Face's ``datasets`` writes them.

Each row has an image, which is a struct of encoded ``bytes`` and a ``path`` or the bytes alone, and
a label, which is a class's name or number. The names of numbered classes stand in the schema's
metadata under ``huggingface``. Images are written to parts with ids such as ``train-0``, labels and
other columns to ``labels.csv``.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, field_validator

from pipeline.archives.limits import Limits
from pipeline.core import files
from pipeline.core.errors import DataError, first_few
from pipeline.core.params import FileName
from pipeline.extract import parts
from pipeline.extract.params import PartsExtract

BATCH_ROWS = 64
"""Rows read at a time."""
OWN_COLUMNS = ("id", "label")
"""Columns that every ``labels.csv`` has."""


class ParquetExtract(PartsExtract):
    """``datasets.<name>.extract`` of kind ``parquet``."""

    train: Annotated[tuple[FileName, ...], Field(min_length=1)]
    """Names of the published files of the training subset; the same of the next two."""
    validation: tuple[FileName, ...] = ()
    test: tuple[FileName, ...] = ()
    image: str = "image"
    """Name of the column of images."""
    label: str = "label"
    """Name of the column of labels."""
    columns: tuple[str, ...] = ()
    """Names of other columns for ``labels.csv``, such as that of ``split.groups``."""

    @field_validator("columns")
    @classmethod
    def _others(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if set(OWN_COLUMNS) & set(value):
            raise ValueError(f"must not be {' or '.join(OWN_COLUMNS)}, which labels.csv has anyway")
        return value

    @property
    def subsets(self) -> Mapping[str, tuple[str, ...]]:
        """The files of each subset."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class Row(NamedTuple):
    """A row of a Parquet file."""

    content: bytes
    """The encoded image."""
    label: str
    """The class's name."""
    others: list[str]
    """Values of other columns, as text."""


def extract_parquet(raw: Path, params: ParquetExtract, folder: Path) -> str:
    """Write the images of Parquet files in ``raw`` to parts, and ``labels.csv``, in ``folder``.

    Memory is bounded by a row group of the files and one of the parts.

    Returns
    -------
    str
        Numbers of images in each subset and of bytes, for the console.

    Raises
    ------
    DataError
        If a file is missing, is not Parquet, lacks a column, has a row without image or label, or
        more or longer images than the limits allow.
    """
    counts = dict.fromkeys(params.subsets, 0)
    with (
        files.new_folder(folder) as work,
        (work / "labels.csv").open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*OWN_COLUMNS, *params.columns])

        def members() -> Iterator[tuple[str, bytes]]:
            for subset, names in params.subsets.items():
                for name in names:
                    path = files.existing(raw / name, "download")
                    for row in rows(path, params.image, params.label, params.columns):
                        id_ = f"{subset}-{counts[subset]}"
                        counts[subset] += 1
                        table.writerow([id_, row.label, *row.others])
                        yield id_, row.content

        limited = _limited(members(), raw, params.limits)
        rows_written, total = parts.write(limited, work, params.part_rows)
        if not rows_written:
            raise DataError(f"{raw}: {first_few(list(params.train))} hold no rows")
    shown = " and ".join(f"{count:,} {subset}" for subset, count in counts.items() if count)
    return f"{shown} images, {total / 1e6:,.1f} MB"


def rows(path: Path, image: str, label: str, others: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yield the rows of a Parquet file.

    Parameters
    ----------
    path : Path
    image, label : str
        Names of the columns of images and labels.
    others : tuple of str
        Names of other columns to read.

    Raises
    ------
    DataError
        If the file is not Parquet, lacks a column, or has a row without image or label.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            absent = [name for name in (image, label, *others) if name not in schema.names]
            if absent:
                raise DataError(
                    f"{path}: has no column {first_few(absent)}; it has: "
                    f"{first_few(schema.names, 20)} (set extract.image, label, columns in "
                    "params.yaml)"
                )
            if not is_image(schema.field(image).type):
                raise DataError(
                    f"{path}: column {image} is {schema.field(image).type}, not a struct with "
                    "bytes, as Hugging Face writes images"
                )
            names = class_names(schema, label)
            number = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=[image, label, *others]):
                columns = [_texts(batch[name]) for name in others]
                contents = _contents(batch[image]).to_pylist()
                labels = batch[label].to_pylist()
                for row, content in enumerate(contents):
                    if content is None:
                        raise DataError(
                            f"{path}: row {number} has no image in it (column {image}); images "
                            "that are only named by a path must be embedded: see "
                            "datasets.table.embed_table_storage"
                        )
                    yield Row(
                        content,
                        _class_name(labels[row], names, f"{path}: row {number}"),
                        [column[row] for column in columns],
                    )
                    number += 1
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.filename:
            raise
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: is damaged, or not Parquet ({reason}); fetch it again") from None


def is_image(kind: pa.DataType) -> bool:
    """Return whether a column's type is that of encoded images."""
    if pa.types.is_struct(kind):
        return any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def class_names(schema: pa.Schema, label: str) -> list[str] | None:
    """Return the names of a column's classes by Hugging Face's metadata; None if it has none."""
    try:
        info = json.loads((schema.metadata or {})[b"huggingface"])
        names = info["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return names if isinstance(names, list) and all(isinstance(n, str) for n in names) else None


def _contents(images: pa.Array) -> pa.Array:
    return images.field("bytes") if pa.types.is_struct(images.type) else images


def _class_name(value: Any, names: list[str] | None, where: str) -> str:
    if value is None or value == "" or (isinstance(value, int) and value < 0):
        raise DataError(
            f"{where} has no label ({value}); leave out files without labels (extract.test), or "
            "label them"
        )
    if not isinstance(value, int | str):
        raise DataError(f"{where} has a label that is neither text nor a whole number: {value!r}")
    if isinstance(value, str) or names is None:
        return str(value)
    if value >= len(names):
        raise DataError(f"{where} has the label {value}, but only {len(names)} classes have names")
    return names[value]


def _texts(values: pa.Array) -> list[str]:
    return ["" if value is None else str(value) for value in values.to_pylist()]


def _limited(
    members: Iterator[tuple[str, bytes]], raw: Path, limits: Limits
) -> Iterator[tuple[str, bytes]]:
    """Yield ids and contents of images; raise DataError for the first beyond a limit."""
    total = 0
    for count, (id_, content) in enumerate(members, 1):
        total += len(content)
        for value, most, what in (
            (len(content), limits.member_bytes, "bytes (extract.max_member_bytes)"),
            (total, limits.total_bytes, "bytes in all (extract.max_bytes)"),
            (count, limits.members, "images (extract.max_members)"),
        ):
            if value > most:
                raise DataError(
                    f"{raw}: image {id_} is refused: with it there are {value:,}, above {most:,} "
                    f"{what}; if that is as it should be, raise the limit in params.yaml"
                )
        yield id_, content
