"""The column of a table that names each image's subset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.core.errors import DataError, first_few
from pipeline.new_dataset.tables import words
from pipeline.split import published

FEW = 20
"""Values, up to which a column may divide images by its name."""


@dataclass
class Division:
    """A column of subsets."""

    column: str = ""
    """``""`` if there is none."""
    subsets: list[str] = field(default_factory=list)
    """The subset of each row."""
    notes: list[str] = field(default_factory=list)
    """Sentences for people."""


def find(
    columns: Mapping[str, Sequence[str]],
    id_: str,
    chosen: str | None,
    table: str,
    *,
    is_wanted: bool,
) -> Division:
    """Return the column of which every value names a subset.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        The table, of the rows whose images are taken.
    id_ : str
        The column of ids.
    chosen : str, optional
        The column that the user named.
    table : str
        For messages.
    is_wanted : bool
        False: what the columns say of subsets is told, and not used.

    Raises
    ------
    DataError
        If several columns divide the images, each in its own way, or the chosen one does not; or if
        one that is called so divides most of the images alone.
    """
    if chosen is not None:
        lost = [value for value in set(columns[chosen]) if not published.subset(value)]
        if lost:
            raise DataError(
                f"{table}: column {chosen} (--subset) has values that are no subset's name "
                f"(train, validation, test …): {first_few(sorted(lost))}"
            )
        return _division(columns, chosen)
    said = {name: values for name, values in columns.items() if name != id_}
    found = [
        name
        for name, values in said.items()
        if len(set(values)) > 1 and all(map(published.subset, set(values)))
    ]
    division = Division()
    if found and is_wanted:
        division = _division(columns, found[0])
        for other in found[1:]:
            if _division(columns, other).subsets != division.subsets:
                raise DataError(
                    f"{table}: {found[0]} and {other} divide the images into subsets, each in its "
                    "own way; choose with --subset COLUMN"
                )
        found = []
    elif is_wanted:
        _refuse_partial(said, table)
    for name in said:
        values = set(said[name])
        named = words.is_division(name) and not words.class_rank(name) and 1 < len(values) <= FEW
        if name in found or (named and name != division.column and not _names_subsets(values)):
            division.notes.append(
                f"the column {name} ({first_few(sorted(values))}) is not taken for a division"
                + (
                    ""
                    if name in found
                    else "; --subset takes one with names such as train and test"
                )
            )
    return division


def _refuse_partial(columns: Mapping[str, Sequence[str]], table: str) -> None:
    """Refuse a column that is called as a division and divides most images, but not all."""
    for name, values in columns.items():
        lost = [value for value in values if not published.subset(value)]
        subsets = {published.subset(value) for value in set(values)} - {""}
        if words.is_division(name) and len(subsets) > 1 and 2 * len(lost) < len(values):
            raise DataError(
                f"{table}: the column {name} names the subset of most images, but not of "
                f"{len(lost):,} ({first_few([value or 'empty' for value in sorted(set(lost))])}); "
                "mend the table, or, if it is of an archive or a folder, say --subsets none"
            )


def _names_subsets(values: set[str]) -> bool:
    return all(map(published.subset, values))


def _division(columns: Mapping[str, Sequence[str]], name: str) -> Division:
    subsets = [published.subset(value) for value in columns[name]]
    return Division(name, subsets, [f"the column {name} names the subset of each image"])
