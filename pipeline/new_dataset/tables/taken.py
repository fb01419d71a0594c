"""What a table says of the images that are taken, and the parameters that say so."""

from collections.abc import Sequence
from typing import Any

from pipeline.core.errors import DataError, first_few
from pipeline.labels import ends
from pipeline.labels.table import LabelColumns
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import without_fractions
from pipeline.new_dataset.tables import classes as class_columns
from pipeline.new_dataset.tables import division, groups
from pipeline.new_dataset.tables.table import Table

IGNORED = {
    "case": "case",
    "suffix": "suffix",
    "unicode": "Unicode normalization",
    "zeros": "leading zeros",
}
"""What may differ, in words."""


class Taken:
    """The rows of the images that are taken, with columns for classes, subsets and groups.

    Parameters
    ----------
    table : Table
    names : sequence of str
        The images that are taken.
    others : sequence of str
        All other images of the archive.
    choices : Choices
    archive : str
        For messages.

    Raises
    ------
    DataError
        If table and images do not correspond, or what the columns hold is not clear.
    """

    def __init__(
        self,
        table: Table,
        names: Sequence[str],
        others: Sequence[str],
        choices: Choices,
        archive: str,
    ) -> None:
        self.table = table
        self.names = names
        rows = [table.row(name) for name in names]
        self._ignored = _check(table, names, rows, others, archive)
        columns = {name: [values[at] for at in rows] for name, values in table.columns.items()}
        self.division = division.find(
            columns,
            table.ids.column,
            choices.subset,
            table.name,
            is_wanted=choices.subsets != ("none",),
        )
        used = [table.ids.column, self.division.column]
        self.classes = class_columns.find(columns, choices.label, used, table.name)
        if empty := [at for at, value in enumerate(self.classes.values) if not value.strip()]:
            row = rows[empty[0]]
            raise DataError(
                f"{table.name}: row {row + 1} below the header has an empty "
                f"{self.classes.columns[0]}; mend the table, or leave such images out with --only"
            )
        used += self.classes.columns
        self.groups = groups.find(columns, used, choices.group, table.name)

    @property
    def labels(self) -> dict[str, str]:
        """The class of each image."""
        return dict(zip(self.names, self.classes.values, strict=True))

    @property
    def subsets(self) -> dict[str, str]:
        """The subset of each image, by the column for it; empty without one."""
        pairs = zip(self.names, self.division.subsets, strict=False)
        return dict(pairs) if self.division.column else {}

    def decode(self) -> dict[str, Any]:
        """Return ``decode.labels``, if it must be given."""
        *_, label = found = self.classes.columns
        is_one_hot = len(found) > 1
        labels = LabelColumns(
            id=self.table.ids.column,
            label="label" if is_one_hot else label,
            match=self.table.ids.rule.match,
            ignore=self.table.ids.rule.ignore,
            one_hot=found if is_one_hot else (),
            rows_without_image="ignore" if self._ignored else "fail",
        )
        changed = labels.model_dump(mode="json", exclude_defaults=True)
        return {"labels": changed} if changed else {}

    def split(self) -> dict[str, Any]:
        """Return what ``split`` must say of the columns; None for a key that must not be there."""
        if self.division.column:
            fractions = without_fractions(set(self.division.subsets))
            return {"column": self.division.column} | fractions
        return {"groups": self.groups.column} if self.groups.column else {}

    def notes(self) -> list[str]:
        """Return sentences that say how the table is taken."""
        rule = self.table.ids.rule
        notes = [
            f"classes are read from {self.classes}, ids from the column {self.table.ids.column}"
        ]
        notes += [note for file in self.table.files if (note := _form(file.model_dump()))]
        if rule.match == "end":
            ignored = [IGNORED[word] for word in rule.ignore]
            whatever = f", whatever their {' and '.join(ignored)}" if ignored else ""
            notes.append(f"ids are of the images whose paths end like them{whatever}")
        if "zeros" in rule.ignore:
            notes.append(
                f"numbers of {self.table.ids.column} lack the zeros of the images' names, or are "
                "written otherwise, as spreadsheets do: look whether the labels are right"
            )
        if self._ignored:
            notes.append(f"{self._ignored:,} rows of images that are left out do not matter")
        return [*notes, *self.division.notes, *self.groups.notes(self.division.column)]


def _form(file: dict[str, Any]) -> str:
    """Return how a table is read, in words; ``""`` if it is plainly CSV."""
    said = [
        f"as {file['encoding']}" * (file["encoding"] != "utf-8-sig"),
        f"separated by {file['separator']!r}" * (file["separator"] != ","),
        "without a header" * (not file["header"]),
        "without the spaces around values" * file["strip"],
        "as JSON lines" * (file["format"] == "jsonl"),
        f"for {file['subset']}" * bool(file["subset"]),
        "from the archive" * bool(file["member"]),
    ]
    shown = ", ".join(filter(None, said))
    return f"{file['file'] or file['member']} is read {shown}" if shown else ""


def _check(
    table: Table, names: Sequence[str], rows: Sequence[int], others: Sequence[str], archive: str
) -> int:
    """Raise DataError if not each image has a row and each row an image.

    Returns
    -------
    int
        Number of rows whose images are among the others.
    """
    ids = table.columns[table.ids.column]
    if lost := [name for name, row in zip(names, rows, strict=True) if row < 0]:
        raise DataError(
            f"{archive}: {len(lost):,} images have no row in {table.name}: {first_few(lost)}; add "
            "their rows, or take the other images with --only"
        )
    known = set(rows)
    surplus = [id_ for row, id_ in enumerate(ids) if row not in known]
    if not surplus:
        return 0
    ignore = {"case", "suffix", *table.ids.rule.ignore}
    elsewhere = ends.match(others, surplus, ignore)
    count = int((elsewhere.rows >= 0).sum())
    if elsewhere.ambiguous or count < len(surplus):
        raise DataError(
            f"{table.name}: {len(surplus) - count:,} ids have no image in {archive}: "
            f"{first_few(surplus)}; remove their rows"
        )
    return count
