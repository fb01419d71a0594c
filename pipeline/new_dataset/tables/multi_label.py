"""Refusal of images that have several classes."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NoReturn

from pipeline.core.errors import DataError, first_few

LIST = re.compile(r"\s*[\[{].*[\]}]\s*", re.DOTALL)
JOINS = ("|", ";", ",", " ")
"""What stands between the classes of an image; the first one in no class's own name."""
FEW = 20
REMEDY = (
    "one class an image can be learned; choose another column with --label, or drop such images"
)


def refuse(column: str, values: Sequence[str], table: str, *, is_chosen: bool) -> None:
    """Raise DataError if the values of a column are lists of classes, or several that are joined.

    Those of a column that the user chose are taken for names where that is likely.
    """
    counts = Counter(values)
    for several in _readings(counts, is_chosen):
        if several:
            rows = sum(map(counts.__getitem__, several))
            raise DataError(
                f"{table}: {column} is multi-label: {rows:,} images have several classes or a list "
                f"of them, such as {first_few([repr(value) for value in several], 3)}; {REMEDY}"
            )


def refuse_one_hot(columns: Sequence[str], counts: Sequence[int], table: str) -> NoReturn:
    """Raise DataError over columns of which not just one holds 1 in each row.

    Parameters
    ----------
    columns : sequence of str
    counts : sequence of int
        How many of them hold 1 in each row.
    table : str
        For messages.
    """
    several, none = sum(n > 1 for n in counts), sum(n < 1 for n in counts)
    what = "multi-label" if several else "not one-hot"
    raise DataError(
        f"{table}: the columns {first_few(list(columns))} hold 0 and 1, and are {what}: "
        f"{several:,} rows have 1 in several of them, {none:,} in none; one class an image can be "
        "learned; choose other columns with --label (again for each one-hot one), or drop such "
        "images"
    )


def _readings(counts: Counter[str], is_chosen: bool) -> list[list[str]]:
    """Return the values that would be several classes, by each way to write them."""
    lists = [value for value in counts if LIST.fullmatch(value)]
    found = [[] if is_chosen and not any("," in value for value in lists) else lists]
    for join in JOINS:
        joined = [value for value in counts if join in value.strip()]
        parts = {value: [part.strip() for part in value.split(join)] for value in joined}
        if join == "|":
            found.append(joined)
            continue
        whole = [value for value in joined if all(part in counts for part in parts[value])]
        found.append([value for value in whole if len(set(parts[value])) > 1])
        words = {part for value in counts for part in value.split(join)}
        are_combined = len(counts) >= FEW and 2 * len(words) < len(counts)
        found.append(joined if are_combined and not is_chosen else [])
    return found
