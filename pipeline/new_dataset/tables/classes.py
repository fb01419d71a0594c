"""The column of a table that has the classes, or the one-hot columns that are them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.core.errors import DataError, first_few
from pipeline.labels.one_hot import is_one
from pipeline.new_dataset.findings import alike, ordered
from pipeline.new_dataset.tables import multi_label, words

Columns = Mapping[str, Sequence[str]]
MOST_CLASSES = 1000
"""Values of a column whose name does not say that it has classes."""
FEW = 20
"""Rows, above which some of the same class are expected."""
UNSURE = {"", "-1", "-1.0"}
"""Values beside 0 and 1 in columns of which each says whether something is seen."""
SHOWN_COLUMNS = 12
SHOWN_VALUES = 4


@dataclass
class Classes:
    """What says the class of each row."""

    columns: tuple[str, ...]
    """The column; or several, one-hot."""
    values: list[str]
    """The class of each row; ``""`` for none."""
    why: str
    """Why these columns, in words."""

    def __str__(self) -> str:
        if len(self.columns) == 1:
            return f"the column {self.columns[0]} ({self.why})"
        unused = [name for name in self.columns if name not in self.names]
        none = f"; no image is of {first_few(unused)}" if unused else ""
        return f"the one-hot columns {first_few(list(self.columns), 20)}{none}"

    @property
    def names(self) -> list[str]:
        """The classes, in the order of their labels."""
        found = set(self.values) - {""}
        if len(self.columns) > 1:
            return [name for name in self.columns if name in found]
        return ordered(found)


def find(columns: Columns, chosen: Sequence[str], others: Sequence[str], table: str) -> Classes:
    """Return the classes of rows.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        The table, of the rows whose images are taken.
    chosen : sequence of str
        The columns that the user named: one, or several that are one-hot.
    others : sequence of str
        Columns of ids and subsets.
    table : str
        For messages.

    Raises
    ------
    DataError
        If no column could be the classes, or several could; if an image has several classes.
    """
    found = _chosen(columns, chosen, table) if chosen else _found(columns, others, table)
    if len(found.columns) == 1:
        multi_label.refuse(found.columns[0], found.values, table, is_chosen=bool(chosen))
    _refuse_alike(found, table)
    return found


def _chosen(columns: Columns, chosen: Sequence[str], table: str) -> Classes:
    if len(chosen) == 1:
        return Classes((chosen[0],), list(columns[chosen[0]]), "as chosen")
    hot = {name: columns[name] for name in chosen}
    ones = {name: [is_one(value) for value in set(values)] for name, values in hot.items()}
    if wrong := [name for name, values in ones.items() if None in values]:
        raise DataError(
            f"{table}: {first_few(wrong)} (--label) has values other than 0 and 1; name one column "
            "of classes, or several that are one-hot"
        )
    counts = _counts(hot)
    if set(counts) != {1}:
        multi_label.refuse_one_hot(list(hot), counts, table)
    return Classes(tuple(chosen), _joined(hot), "as chosen")


def _found(columns: Columns, others: Sequence[str], table: str) -> Classes:
    """Return the only classes that could be meant."""
    possible = {name: values for name, values in columns.items() if name not in others}
    hot = {name: values for name, values in possible.items() if _is_hot(values)}
    counts = _counts(hot) if len(hot) > 1 else []
    is_one_hot = bool(counts) and set(counts) == {1}
    rest = {name: values for name, values in possible.items() if not (is_one_hot and name in hot)}
    varied = {name: values for name, values in rest.items() if len(set(values)) > 1}
    for rank in (2, 1):
        named = [name for name in varied if words.class_rank(name) == rank]
        named = _without_equals(named, varied)
        if not named:
            continue
        values = list(varied[named[0]])
        if len(named) > 1 or len(set(values)) == len(values) > FEW:
            raise _unclear(varied, table)
        marks = {} if is_one_hot or len(words.words(named[0])) == 1 else _marks(varied)
        if named[0] in marks and len(marks) > 2:  # such as CheXpert's No Finding
            multi_label.refuse_one_hot(list(marks), _counts(marks), table)
        if is_one_hot and not _agree(values, _joined(hot)):
            raise _unclear(
                columns, table, f"{named[0]} and the one-hot columns {first_few(list(hot))}"
            )
        return Classes((named[0],), values, "by its name")
    unnamed = {
        name: values
        for name, values in varied.items()
        if 1 < len(set(values)) <= MOST_CLASSES
        and len(set(values)) < len(values)
        and not words.is_group(name)
        and not words.is_division(name)
    }
    if is_one_hot and not unnamed:
        return Classes(tuple(hot), _joined(hot), "one-hot")
    if not is_one_hot and len(hot) > 2:
        multi_label.refuse_one_hot(list(hot), counts, table)
    if not is_one_hot and len(unnamed) == 1 and not _is_measured(*unnamed.values()):
        ((name, found),) = unnamed.items()
        return Classes((name,), list(found), "as no other column could be them")
    one_hot = f"the one-hot columns {first_few(list(hot))}" if is_one_hot else ""
    raise _unclear(varied, table, one_hot)


def _is_hot(values: Sequence[str]) -> bool:
    return all(is_one(value) is not None for value in set(values))


def _marks(columns: Columns) -> Columns:
    """Return the columns that say yes, no, and perhaps."""
    return {
        name: values
        for name, values in columns.items()
        if all(value in UNSURE or is_one(value) is not None for value in set(values))
    }


def _counts(hot: Columns) -> list[int]:
    """Return how many columns hold 1 in each row."""
    ones = [[value for value in set(values) if is_one(value)] for values in hot.values()]
    flags = [[v in one for v in values] for values, one in zip(hot.values(), ones, strict=True)]
    return list(map(sum, zip(*flags, strict=True)))


def _joined(hot: Columns) -> list[str]:
    """Return for each row the name of the column that holds 1."""
    rows = zip(*hot.values(), strict=True)
    return [next(n for n, value in zip(hot, row, strict=True) if is_one(value)) for row in rows]


def _without_equals(names: list[str], columns: Columns) -> list[str]:
    """Return columns without those that say the same as another, such as its numbers."""
    kept: list[str] = []
    for name in sorted(names, key=lambda one: all(map(_is_number, columns[one]))):
        if not any(_agree(columns[name], columns[other]) for other in kept):
            kept.append(name)
    return kept


def _agree(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two columns divide the rows alike."""
    return len(set(one)) == len(set(other)) == len(set(zip(one, other, strict=True)))


def _is_measured(values: Sequence[str]) -> bool:
    """Return whether values are numbers, of which some have a fraction."""
    return all(map(_is_number, values)) and any(float(value) % 1 for value in values)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _unclear(columns: Columns, table: str, first: str = "") -> DataError:
    """Return the error with what could be the classes."""
    if not columns:
        return DataError(f"{table}: no column could be the classes: all rows have the same values")
    shown = [_described(name, values) for name, values in columns.items()]
    if len(shown) > SHOWN_COLUMNS:
        shown[SHOWN_COLUMNS:] = [f"and {len(shown) - SHOWN_COLUMNS} more"]
    return DataError(
        f"{table}: which column is that of the classes is not clear; choose with --label COLUMN"
        f"{f' (again for each one-hot one): {first}; ' if first else ': '}{', '.join(shown)}"
    )


def _described(name: str, values: Sequence[str]) -> str:
    counts = Counter(values)
    if len(counts) == len(values):
        return f"{name} (another value in each row: {first_few(list(counts), 2)})"
    shown = [f"{value or 'empty'}: {count:,}" for value, count in counts.most_common(SHOWN_VALUES)]
    more = f" and {len(counts) - SHOWN_VALUES:,} more" if len(counts) > SHOWN_VALUES else ""
    return f"{name} ({', '.join(shown)}{more})"


def _refuse_alike(found: Classes, table: str) -> None:
    """Refuse classes whose names differ in case or spaces alone."""
    if same := alike(found.names):
        names, differ = same
        raise DataError(
            f"{table}: the classes {names} of {found.columns[0]} {differ}; mend the table, or "
            "choose another column with --label"
        )
