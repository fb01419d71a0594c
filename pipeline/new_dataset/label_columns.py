"""Columns of an unknown table of labels: ids, classes, subsets and groups."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.core.errors import DataError, first_few
from pipeline.labels import join, table
from pipeline.labels.table import LabelColumns, Labels, Match
from pipeline.new_dataset.findings import without_fractions
from pipeline.split import published

LABEL = re.compile(
    r"(label|class|category|target|species|breed|diagnosis|type)(es|s|_?name)?$", re.I
)
"""Usual names of a column of classes."""
GROUP = re.compile(
    r"(patient|subject|person|user|animal|product|group|session|video|scene|slide|plate)(_?id)?$",
    re.I,
)
"""Usual names of a column whose equal values are images that belong together."""
EXACT_FIRST: tuple[Match, ...] = ("name", "path", "stem")
"""Forms of an image's name in the order in which they are tried: stems come last, since a column of
row numbers may look like one."""
MOST_CLASSES = 1000
FEWEST_GROUPS = 10
"""A column with fewer different values is not taken for groups: they cannot be divided well."""


@dataclass
class Table:
    """A table of labels, with its columns as text."""

    path: Path
    columns: dict[str, list[str]]
    id: str = ""
    """The column of the images' ids; ``""`` until an image is looked for."""
    match: Match = "stem"
    rows: dict[str, int] | None = None
    """The row of each id."""

    @classmethod
    def read(cls, path: Path) -> "Table":
        """Read a table; raise DataError if it is no CSV in UTF-8."""
        try:
            columns = table.columns(path)
        except UnicodeDecodeError:
            raise DataError(f"{path.name}: is no CSV in UTF-8; save it as that") from None
        return cls(path, {name: values.to_pylist() for name, values in columns.items()})

    def label(self, name: str) -> str:
        """Return the class of an archive's member; ``""`` if the table does not have it."""
        if self.rows is None:
            self._find_ids(name)
        row = None if self.rows is None else self.rows.get(join.member_id(name, self.match))
        return "" if row is None else self.columns[self.label_column][row]

    def check(self, names: Sequence[str], archive: str) -> None:
        """Raise DataError if table and archive do not correspond, as ``decode`` will."""
        if self.rows is None:
            raise DataError(
                f"{self.path.name}: no column has the images' names, such as "
                f"{first_few(list(names), 2)} (with or without folder and suffix); its columns are "
                f"{first_few(list(self.columns), 20)}"
            )
        ids = pa.array(self.columns[self.id], pa.string())
        if repeated := table.repeats(ids):
            raise DataError(
                f"{self.path.name}: {len(repeated):,} values of {self.id} stand there more than "
                f"once: {first_few(repeated)}"
            )
        if "" in self.columns[self.label_column]:
            raise DataError(
                f"{self.path.name}: row {self.columns[self.label_column].index('') + 2} has an "
                f"empty {self.label_column}"
            )
        known = Labels(ids, np.zeros(len(ids), np.int32))
        join.join(
            pa.array(names, pa.string()),
            known,
            archive,
            self.path.name,
            LabelColumns(match=self.match),
        )

    @cached_property  # each looks at every value
    def label_column(self) -> str:
        """The column of classes: that of a usual name, or else the one with the fewest values."""
        others = [name for name in self.columns if name not in (self.id, self.subset_column)]
        named = [name for name in others if LABEL.match(name)]
        counts = {name: len(set(self.columns[name])) for name in named or others}
        possible = {n: c for n, c in counts.items() if 1 < c <= MOST_CLASSES}
        if not possible:
            raise DataError(
                f"{self.path.name}: no column could be the classes: "
                + first_few([f"{name} has {count:,} values" for name, count in counts.items()], 20)
            )
        return min(possible, key=lambda name: (name not in named, possible[name]))

    @cached_property
    def subset_column(self) -> str:
        """The column whose every value names a subset; ``""`` if none does."""
        for name, values in self.columns.items():
            if name != self.id and len(set(values)) > 1 and all(map(published.subset, set(values))):
                return name
        return ""

    @cached_property
    def group_column(self) -> str:
        """The column, by its name, of images that belong together; ``""`` if there is none."""
        others = set(self.columns) - {self.id, self.label_column, self.subset_column}
        for name, values in self.columns.items():
            fits = FEWEST_GROUPS <= len(set(values)) < len(values) and "" not in values
            if name in others and GROUP.match(name) and fits:
                return name
        return ""

    def classes(self) -> set[str]:
        """Return the names of the classes."""
        return set(self.columns[self.label_column])

    def decode(self) -> dict[str, Any]:
        """Return ``decode.labels``, if it must be given."""
        labels = LabelColumns(id=self.id, label=self.label_column, match=self.match)
        changed = labels.model_dump(exclude_defaults=True)
        return {"labels": changed} if changed else {}

    def split(self) -> dict[str, Any]:
        """Return what ``split`` must say of the columns; None for a key that must not be there."""
        if self.subset_column:
            subsets = {published.subset(value) for value in self.columns[self.subset_column]}
            return {"column": self.subset_column} | without_fractions(subsets)
        return {"groups": self.group_column} if self.group_column else {}

    def notes(self) -> list[str]:
        """Return sentences that say how the columns are taken."""
        notes = [f"classes are read from the column {self.label_column}, ids from {self.id}"]
        if self.subset_column:
            notes.append(f"the column {self.subset_column} names the subset of each image")
            if self.group_column:
                notes.append(
                    f"is an image's {self.group_column} never in two of these? split.groups: "
                    f"{self.group_column} would check it"
                )
        elif self.group_column:
            notes.append(f"images of the same {self.group_column} stay in one subset")
        return notes

    def _find_ids(self, name: str) -> None:
        """Find the column that has an image's name, and in which form."""
        for match in EXACT_FIRST:
            id_ = join.member_id(name, match)
            for column, values in self.columns.items():
                if id_ in values and len(set(values)) > len(values) // 2:
                    self.id, self.match = column, match
                    self.rows = {value: row for row, value in enumerate(values)}
                    return
