"""Extraction of Parquet files with images, as Hugging Face's ``datasets`` writes them.

Each row has an image, which is a struct of encoded ``bytes`` and a ``path`` or the bytes alone, and
a label, which is a class's name or number, or one-hot columns. The names of numbered classes stand
in the schema's metadata under ``huggingface``. Images are written to parts with ids such as
``train-0``, labels and other columns to ``labels.csv``.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from pipeline.archives.limits import SMALL, Limits
from pipeline.core import files
from pipeline.core.errors import DataError, first_few
from pipeline.core.params import FileName, Text
from pipeline.extract import parquet, parts
from pipeline.extract.params import PartsExtract, Ratio

OWN_COLUMNS = ("id", "label")
"""Columns that ``labels.csv`` has beside others; the latter unless ``label`` is null."""


class ParquetExtract(PartsExtract):
    """``datasets.<name>.extract`` of kind ``parquet``."""

    train: Annotated[tuple[FileName, ...], Field(min_length=1)]
    """Names of the published files of the training subset."""
    validation: tuple[FileName, ...] = ()
    """Files of the validation subset."""
    test: tuple[FileName, ...] = ()
    """Files of the test subset."""
    image: Text = "image"
    """Name of the column of images."""
    label: Text | None = "label"
    """Name of the column of labels; null: ``columns`` has one-hot ones, which
    ``decode.labels.one_hot`` names."""
    columns: Annotated[tuple[Text, ...], Field(max_length=1000)] = ()
    """Names of other columns for ``labels.csv``, such as that of ``split.groups``."""
    max_ratio: Ratio = 200
    """Refuse images that have more than 256 MB together, and more than so many times the files' own
    bytes: encoded images hardly shrink."""

    @field_validator("columns")
    @classmethod
    def _others(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if set(OWN_COLUMNS) & set(value):
            raise ValueError(f"must not be {' or '.join(OWN_COLUMNS)}, which labels.csv has anyway")
        return value

    @property
    def limits(self) -> Limits:
        """The limits in the form in which they are compared."""
        return super().limits._replace(ratio=self.max_ratio)

    @property
    def subsets(self) -> Mapping[str, tuple[str, ...]]:
        """The files of each subset."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


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
    subsets = [subset for subset, names in params.subsets.items() for _ in names]
    paths = [raw / name for names in params.subsets.values() for name in names]
    length = sum(files.existing(path, "download").stat().st_size for path in paths)
    with (
        files.new_folder(folder) as work,
        files.new_table(work / "labels.csv") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        own = OWN_COLUMNS if params.label else OWN_COLUMNS[:1]
        table.writerow([*own, *params.columns])

        def members() -> Iterator[tuple[str, bytes]]:
            for row in parquet.rows(paths, params.image, params.label, params.columns):
                subset = subsets[row.file]
                id_ = f"{subset}-{counts[subset]}"
                counts[subset] += 1
                table.writerow([*(id_, row.label)[: len(own)], *row.others])
                yield id_, row.content

        limited = _limited(members(), raw, params.limits, length)
        rows_written, total = parts.write(limited, work, params.part_rows)
        if not rows_written:
            raise DataError(f"{raw}: {first_few(list(params.train))} hold no rows")
    shown = " and ".join(f"{count:,} {subset}" for subset, count in counts.items() if count)
    return f"{shown} images, {total / 1e6:,.1f} MB"


def _limited(
    members: Iterator[tuple[str, bytes]], raw: Path, limits: Limits, length: int
) -> Iterator[tuple[str, bytes]]:
    """Yield ids and contents of images; raise DataError for the first beyond a limit."""
    total = 0
    grown = max(SMALL, limits.ratio * length)
    for count, (id_, content) in enumerate(members, 1):
        total += len(content)
        for value, most, what in (
            (len(content), limits.member_bytes, "bytes (extract.max_member_bytes)"),
            (total, limits.total_bytes, "bytes in all (extract.max_bytes)"),
            (total, grown, "bytes in all, far more than the files' own (extract.max_ratio)"),
            (count, limits.members, "images (extract.max_members)"),
        ):
            if value > most:
                raise DataError(
                    f"{raw}: image {id_} is refused: with it there are {value:,}, above {most:,} "
                    f"{what}; if that is as it should be, raise the limit in params.yaml"
                )
        yield id_, content
