"""The column of a table whose equal values are images that belong together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.core.errors import DataError
from pipeline.new_dataset.tables import words

FEWEST_GROUPS = 10
"""A column with fewer different values is not taken for groups: they cannot be divided well."""


@dataclass
class Groups:
    """A column of groups."""

    column: str = ""
    """``""`` if there is none."""
    remarks: list[str] = field(default_factory=list)
    """Sentences for people on columns that are not taken."""

    def notes(self, subset_column: str) -> list[str]:
        """Return sentences for people, where a column may name the subsets."""
        if not self.column:
            return self.remarks
        if subset_column:
            question = (
                f"is an image's {self.column} never in two of these? split.groups: {self.column} "
                "would check it"
            )
            return [*self.remarks, question]
        return [*self.remarks, f"images of the same {self.column} stay in one subset"]


def find(
    columns: Mapping[str, Sequence[str]], used: Collection[str], chosen: str | None, table: str
) -> Groups:
    """Return the column of groups: of several the coarsest, which keeps the others together.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        The table, of the rows whose images are taken.
    used : collection of str
        Columns of ids, classes and subsets.
    chosen : str, optional
        The column that the user named.
    table : str
        For messages.

    Raises
    ------
    DataError
        If the chosen column has one value.
    """
    if chosen is not None:
        if len(set(columns[chosen]) - {""}) < 2:
            raise DataError(
                f"{table}: column {chosen} (--group) has one value, and makes no groups"
            )
        return Groups(chosen, _on_empty(chosen, columns[chosen]))
    found: dict[str, int] = {}
    remarks = []
    for name, values in columns.items():
        if name in used or not words.is_group(name):
            continue
        filled = [value for value in values if value]
        count = len(set(filled))
        if count == len(filled) or count < 2:  # nothing belongs together, or all does
            continue
        if count < FEWEST_GROUPS:
            remarks.append(
                f"the column {name} has only {count} values, and is not taken for groups (--group "
                f"{name} would)"
            )
        else:
            found[name] = count
    if not found:
        return Groups("", remarks)
    coarsest = min(found, key=lambda name: found[name])
    return Groups(coarsest, [*remarks, *_on_empty(coarsest, columns[coarsest])])


def _on_empty(name: str, values: Sequence[str]) -> list[str]:
    """Return the note that a column does not say of all images with which they belong."""
    empty = list(values).count("")
    note = f"the column {name} is empty in {empty:,} rows: each is taken for a group of its own"
    return [note] * bool(empty)
