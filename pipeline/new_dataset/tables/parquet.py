"""Columns of Parquet files with images: those of images, classes, subsets and groups."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import DataError, first_few
from pipeline.extract.hugging_face import class_names, is_image
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.tables import classes as class_columns
from pipeline.new_dataset.tables import division, groups, words
from pipeline.new_dataset.tables.division import Division
from pipeline.new_dataset.tables.groups import Groups


class ParquetColumns(NamedTuple):
    """Columns, and what they say."""

    image: str
    label: str
    why: str
    """Why ``label``, in words; ``""`` where it is plain."""
    known: list[str] | None
    """The classes by the files' metadata, in the order of their numbers."""
    division: Division
    groups: Groups


def choose(paths: Sequence[Path], choices: Choices) -> ParquetColumns:
    """Return the columns of the files with images for training.

    Raises
    ------
    DataError
        If a file is damaged or lacks a column, no column has images, which has the classes is not
        clear; if an image has several classes.
    """
    schema = _schema(paths[0])
    name = paths[0].name
    shown = f"its columns are {first_few(schema.names, 20)}"
    if choices.id is not None:
        raise DataError("--id goes with a table of labels, not with Parquet files")
    if len(choices.label) > 1:
        raise DataError("several one-hot columns (--label) go with a table, not with Parquet files")
    images = [field for field in schema.names if is_image(schema.field(field).type)]
    if not images:
        raise DataError(f"{name}: no column has images, a struct with bytes; {shown}")
    for option, column in (
        *(("--label", label) for label in choices.label),
        ("--group", choices.group),
        ("--subset", choices.subset),
    ):
        if column is not None and column not in schema.names:
            raise DataError(f"{name}: has no column {column} ({option}); {shown}")
    values = _values(paths, schema)
    divided = division.find(values, "", choices.subset, name, is_wanted=True)
    label, why = _label(schema, values, divided, choices, name)
    used = [label, divided.column]
    found = groups.find(values, used, choices.group, name)
    image = next((one for one in images if words.is_name(one)), images[0])
    return ParquetColumns(image, label, why, class_names(schema, label), divided, found)


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path.name}: is damaged, or not Parquet ({' '.join(str(error).split())[:200]})"
        ) from None


def is_unlabelled(paths: Sequence[Path], label: str) -> bool:
    """Return whether no row of some files has a label."""
    for path in paths:
        schema = _schema(path)
        if label in schema.names:
            values = pq.read_table(path, columns=[label])[label]
            if any(value not in (None, "", -1) for value in values.unique().to_pylist()):
                return False
    return True


def _label(
    schema: pa.Schema,
    values: dict[str, list[str]],
    divided: Division,
    choices: Choices,
    name: str,
) -> tuple[str, str]:
    """Return the column of classes, and why it is taken."""
    possible = choices.label or tuple(n for n in schema.names if words.class_rank(n) == 2)
    several = [one for one in possible if one in schema.names and _is_list(schema.field(one).type)]
    if several and (choices.label or len(several) == len(possible)):
        raise DataError(
            f"{name}: {several[0]} is multi-label: it has lists of classes, and one class an image "
            "can be learned; choose another column with --label"
        )
    named = {one: values[one] for one in values if class_names(schema, one)}
    if len(named) == 1 and not choices.label:
        return next(iter(named)), ""
    found = class_columns.find(named or values, choices.label, [divided.column], name)
    if len(found.columns) > 1:
        raise DataError(
            f"{name}: has one-hot columns, {first_few(list(found.columns))}; one column of classes "
            "is needed (--label COLUMN)"
        )
    return found.columns[0], found.why


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _values(paths: Sequence[Path], schema: pa.Schema) -> dict[str, list[str]]:
    """Return the values of all columns of text and numbers, as text."""
    plain = [field.name for field in schema if not pa.types.is_nested(field.type)]
    plain = [name for name in plain if not is_image(schema.field(name).type)]
    values: dict[str, list[str]] = {name: [] for name in plain}
    for path in paths:
        absent = [name for name in plain if name not in _schema(path).names]
        if absent:
            raise DataError(
                f"{path.name}: has no column {first_few(absent)}, as {paths[0].name} has; files of "
                "several datasets or configurations are not merged"
            )
        table = pq.read_table(path, columns=plain)
        for name in plain:
            values[name] += ["" if v is None else str(v) for v in table[name].to_pylist()]
    return values
