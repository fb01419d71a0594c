"""A table of labels of unknown make, as text, and which of its rows is that of an image."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.core.errors import DataError, first_few
from pipeline.extract import tables
from pipeline.extract.tables import LabelFile
from pipeline.labels import ends
from pipeline.labels import table as label_table
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.tables import ids as id_columns
from pipeline.new_dataset.tables.ids import Ids


class Table:
    """A table of labels of an archive's images, in one file or several.

    Parameters
    ----------
    files : sequence of (LabelFile, Path or bytes)
        What each of its files is like, and the file or its content.
    names : sequence of str
        Paths of the images that may be taken.
    choices : Choices

    Raises
    ------
    DataError
        If it is no table, lacks a column that the user named, no column has the images' names, or a
        row or an image fits several.
    """

    def __init__(
        self,
        files: Sequence[tuple[LabelFile, Path | bytes]],
        names: Sequence[str],
        choices: Choices,
    ) -> None:
        self.files = [file for file, _ in files]
        self.name = first_few([str(file.member or file.file) for file in self.files])
        self.columns = read(files, self.name)
        """The values of each column that has a name, as text."""
        ends.refuse_many(len(next(iter(self.columns.values()))), len(names), self.name)
        for option, column in (
            ("--id", choices.id),
            ("--group", choices.group),
            ("--subset", choices.subset),
            *(("--label", name) for name in choices.label),
        ):
            if column is not None and column not in self.columns:
                raise DataError(
                    f"{self.name}: has no column {column} ({option}); it has: "
                    f"{first_few(list(self.columns), 20)}"
                )
        self.ids = id_columns.find(self.columns, names, choices.id, self.name)
        _refuse_ambiguous(self.ids, self.columns[self.ids.column], self.name)
        self._row_of: dict[str, int] = dict(zip(names, self.ids.rows.tolist(), strict=True))

    def row(self, name: str) -> int:
        """Return an image's row, from 0; -1 if it has none."""
        return self._row_of.get(name, -1)

    def extract(self) -> Any:
        """Return ``extract.labels``."""
        shown = [
            str(one.file) if one.is_plain and one.file else one.model_dump(exclude_defaults=True)
            for one in self.files
        ]
        return shown[0] if len(shown) == 1 else shown


def read(files: Sequence[tuple[LabelFile, Path | bytes]], name: str) -> dict[str, list[str]]:
    """Return the columns of a table, read as the stages will; raise DataError naming it."""
    with tempfile.TemporaryDirectory() as work:
        path = Path(work, "labels.csv")
        try:
            tables.write(files, path)
            found = label_table.columns(path)
        except DataError as error:
            text = str(error).replace(str(path), name)
            for file, source in files:
                text = text.replace(str(source), str(file.file)) if file.file else text
            raise DataError(text) from None
    return {column: values.to_pylist() for column, values in found.items()}


def _refuse_ambiguous(ids: Ids, values: Sequence[str], table: str) -> None:
    """Raise DataError if a row is not the only one of its image, or an image that of its row."""
    if repeated := label_table.repeats(pa.array(values, pa.string())):
        raise DataError(
            f"{table}: {len(repeated):,} values of {ids.column} stand there more than once: "
            f"{first_few(repeated)}{id_columns.rounded({ids.column: repeated}, [ids.column])}; "
            "leave one row for each image (several classes of an image are multi-label, which is "
            "not learned), or choose another column with --id"
        )
    if ids.ambiguous:
        lost = " (numbers without the zeros before them are taken for the same)"
        raise DataError(
            f"{table}: {len(ids.ambiguous):,} values of {ids.column} or images fit several"
            f"{lost * ('zeros' in ids.rule.ignore)}: {first_few(ids.ambiguous, 3)}; give "
            f"{'the names in full' if 'zeros' in ids.rule.ignore else 'more of their paths'} in "
            "the table, or take some of the images with --only"
        )
