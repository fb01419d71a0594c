"""The column of a table that has the images' names, and in which form."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, first_few
from pipeline.labels import ends, join
from pipeline.labels.ends import SUFFIX
from pipeline.labels.table import Ignored, Match
from pipeline.new_dataset.tables import words

MOST_COLUMNS = 50
"""Columns with the images' names, of which each is matched with all images in several ways."""
ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+\d+", re.ASCII)
"""A long number as a spreadsheet shows and saves it."""
SAMPLE = 500
"""Values by which a column is taken for one of file names."""


class Rule(NamedTuple):
    """A form in which an image's name may stand in a table."""

    match: Match
    ignore: tuple[Ignored, ...] = ()


RULES = (
    Rule("name"),
    Rule("path"),
    Rule("end"),
    Rule("end", ("case",)),
    Rule("stem"),
    Rule("end", ("suffix",)),
    Rule("end", ("case", "suffix")),
    Rule("end", ("unicode",)),
    Rule("end", ("case", "unicode")),
    Rule("end", ("case", "suffix", "unicode")),
    Rule("end", ("suffix", "zeros")),
)
"""From the strictest on: a name without suffix may be a row's number."""


@dataclass
class Ids:
    """A column of ids."""

    column: str
    rule: Rule
    rows: NDArray[np.int32]
    """The row of each image; -1 if there is none."""
    ambiguous: list[str]
    """In words, which fit several."""

    @property
    def found(self) -> int:
        """Number of images that have a row."""
        return int((self.rows >= 0).sum())


def find(
    columns: Mapping[str, Sequence[str]], names: Sequence[str], chosen: str | None, table: str
) -> Ids:
    """Return the column that has the images' names.

    Parameters
    ----------
    columns : mapping of str to sequence of str
    names : sequence of str
        The images' paths.
    chosen : str, optional
        The column that the user named.
    table : str
        For messages.

    Raises
    ------
    DataError
        If there is none, or if two columns say something else.
    """
    keys = {key for name in names for key in keys_of(name)}
    with_names = [
        name
        for name in ([chosen] if chosen else columns)
        if any(not keys.isdisjoint(keys_of(value)) for value in set(columns[name]))
    ]
    if len(with_names) > MOST_COLUMNS:
        raise DataError(
            f"{table}: the images' names could stand in {len(with_names):,} columns: "
            f"{first_few(with_names)}; choose with --id COLUMN"
        )
    possible = [_best(name, columns[name], names) for name in with_names]
    possible = [one for one in possible if one.found or one.ambiguous]
    if chosen is None:
        sure = [one for one in possible if _is_sure(one, columns)]
        possible = sure or _refuse_unsure(possible, table)
    if not possible:
        raise DataError(
            f"{table}: no column has the images' names, such as {first_few(list(names), 2)} (with "
            f"or without folder and suffix){rounded(columns, columns)}; its columns are "
            f"{first_few(list(columns), 20)}"
        )
    enough = max(one.found for one in possible) / 2
    possible.sort(key=lambda one: _rank(one, columns[one.column], enough))
    first = possible[0]
    rank = _rank(first, columns[first.column], enough)
    for other in possible[1:]:
        same = _rank(other, columns[other.column], enough) == rank
        if same and not np.array_equal(first.rows, other.rows):
            raise DataError(
                f"{table}: the images' names could stand in {first.column} or in {other.column}; "
                f"choose with --id COLUMN"
            )
    return first


def keys_of(path: str) -> tuple[str, str, str]:
    r"""Return the name of a file, by which all forms of it are alike, with and without suffix.

    Examples
    --------
    >>> keys_of("C:\\scans\\A01.PNG"), keys_of("007.png")
    (('a01.png', 'a01', 'a01'), ('007.png', '007', '7'))
    """
    name = unicodedata.normalize("NFC", path.replace("\\", "/").rpartition("/")[2]).casefold()
    stem = SUFFIX.sub("", name)
    return name, stem, ends.plain_number(stem)


def rounded(columns: Mapping[str, Sequence[str]], names: Iterable[str]) -> str:
    """Return the remark that columns hold numbers as a spreadsheet rounds them; ``""`` if not."""
    found = [name for name in names if any(map(ROUNDED.fullmatch, columns[name]))]
    if not found:
        return ""
    return (
        f"; {first_few(found)} has numbers that a spreadsheet rounded, as 1.2E+12: format that "
        "column as text, in the original table, and save it again"
    )


def _is_sure(ids: Ids, columns: Mapping[str, Sequence[str]]) -> bool:
    """Return whether a column has names: where rows are counted, their numbers would fit too."""
    if "zeros" not in ids.rule.ignore or _are_files(columns[ids.column]):
        return True
    is_called_so = words.is_name(ids.column) and not words.is_group(ids.column)
    return is_called_so and not any(map(_are_files, columns.values()))


def _are_files(values: Sequence[str]) -> bool:
    """Return whether most values have a suffix, as files."""
    sample = values[:: max(1, len(values) // SAMPLE)]
    return 2 * sum(bool(SUFFIX.search(value)) for value in sample) >= len(sample)


def _refuse_unsure(possible: Sequence[Ids], table: str) -> list[Ids]:
    """Return no column; raise DataError if some may have the images' names."""
    if not possible:
        return []
    shown = first_few([one.column for one in possible])
    raise DataError(
        f"{table}: {shown} may have the images' names without the zeros before their numbers, as "
        f"spreadsheets leave them out; if so, say --id {possible[0].column}"
    )


def _rank(ids: Ids, values: Sequence[str], enough: float) -> tuple[bool, bool, int, bool, int]:
    """Return what puts a column before others: the smallest comes first."""
    return (
        ids.found < enough,
        not _are_files(values),
        -ids.found,
        not words.is_name(ids.column),
        RULES.index(ids.rule),
    )


def _best(column: str, values: Sequence[str], names: Sequence[str]) -> Ids:
    """Return the strictest rule by which most images have a row in a column."""
    best = Ids(column, RULES[0], np.full(len(names), -1, np.int32), [])
    is_ascii = all(map(str.isascii, names)) or all(map(str.isascii, values))
    for rule in RULES:
        if is_ascii and "unicode" in rule.ignore:
            continue
        found = Ids(column, rule, *_matched(rule, values, names))
        if found.found > best.found or (found.ambiguous and not (best.found or best.ambiguous)):
            best = found
        if best.found == len(names):
            break
    return best


def _matched(
    rule: Rule, values: Sequence[str], names: Sequence[str]
) -> tuple[NDArray[np.int32], list[str]]:
    """Return the row of each image, and which fit several."""
    if rule.match == "end":
        return ends.match(names, values, rule.ignore)
    row_of = {value: row for row, value in enumerate(values)}
    rows = np.array([row_of.get(join.member_id(name, rule.match), -1) for name in names], np.int32)
    used, counts = np.unique(rows[rows >= 0], return_counts=True)
    twice = set(used[counts > 1].tolist())
    if not twice:
        return rows, []
    fitting: dict[int, list[str]] = {row: [] for row in sorted(twice)}
    for at, row in enumerate(rows.tolist()):
        if row in twice:
            fitting[row].append(names[at])
            rows[at] = -1
    told = [f"{values[row]} ({' or '.join(paths[:3])})" for row, paths in fitting.items()]
    return rows, told
