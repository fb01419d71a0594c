"""A program that reads Parquet files of strangers, for ``parquet``, which limits and runs it.

A kilobyte of Parquet can become gigabytes, and no size that a file states can be trusted: Arrow
takes the memory for it first, and may crash where there is none. So only this program opens such a
file. It prints an Arrow stream of plain columns, or JSON, and says on its standard error which file
it reads, and what is wrong with it.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import DataError, explain, first_few, one_line, shown

READING, ERROR = "reading ", "error "
"""What lines of the standard error begin with, before a file's number and a message."""
ROWS = 64
"""Rows of images that are read at a time, at most."""
BATCH_BYTES = 32 << 20
"""Bytes of images that are read at a time, by what the file says of their length."""
TEXT_ROWS = 1024
BUFFER = 1 << 20
"""Bytes of a file that are read at a time."""
FEW_ROWS = 100_000
FEWEST_BYTES = 16
"""Bytes of a file for each of its rows, where there are more than ``FEW_ROWS``."""
LONGEST_WAIT = 60
"""Seconds for a batch of rows, after which the program ends."""


def main(request: str) -> None:
    """Do what is asked for, in JSON, and print it."""
    asked = json.loads(request)
    os.chdir(asked.pop("folder"))
    programs: dict[str, Callable[..., None]]
    programs = {"describe": describe, "rows": rows, "texts": texts}
    try:
        programs[asked.pop("do")](sys.stdout.buffer, **asked)
        sys.stdout.flush()
    except DataError as error:
        sys.exit(f"{ERROR}{error}")


def is_image(kind: pa.DataType) -> bool:
    """Return whether a column's type is that of encoded images."""
    if pa.types.is_struct(kind):
        return any(_is_bytes(field.type) for field in kind.fields if field.name == "bytes")
    return _is_bytes(kind)


def classes_of(schema: pa.Schema, where: str) -> dict[str, list[str]]:
    """Return the names of columns' classes by Hugging Face's metadata, by the column.

    Raises
    ------
    DataError
        If a name is no Unicode text, or stands there twice.
    """
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        given = {label: feature.get("names") for label, feature in features.items()}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}
    found = {}
    for label, names in given.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            continue
        for name, count in Counter(names).items():
            if count > 1 or name.encode(errors="replace").decode() != name:
                fault = "stands there twice" if count > 1 else "is no Unicode text"
                raise DataError(
                    f"{where}: the class {shown(repr(name))} of {shown(label)} {fault} (metadata "
                    "of Hugging Face); mend the file"
                )
        found[label] = names
    return found


def describe(out: BinaryIO, paths: Sequence[str]) -> None:
    """Print which columns each file has, and their classes' names, as JSON."""
    found = []
    for number, path in enumerate(paths):
        with _opened(number, path) as file:
            schema = file.schema_arrow
            once = [field for field in schema if schema.get_field_index(field.name) >= 0]
            images = [field.name for field in once if is_image(field.type)]
            nested = {field.name for field in once if pa.types.is_nested(field.type)}
            found.append(
                {
                    "names": schema.names,
                    "images": images,
                    "lists": [field.name for field in once if _is_list(field.type)],
                    "plain": [f.name for f in once if f.name not in nested | set(images)],
                    "classes": classes_of(schema, path),
                }
            )
    out.write(json.dumps(found).encode())


def rows(
    out: BinaryIO, paths: Sequence[str], image: str, label: str | None, others: Sequence[str]
) -> None:
    """Print images, labels as classes' names (empty without one), and other columns as text."""
    fields = [("file", pa.int32()), ("content", pa.binary()), ("label", pa.string())]
    schema = pa.schema([*fields, *((f"other {at}", pa.string()) for at in range(len(others)))])
    with pa.ipc.new_stream(out, schema) as stream:
        for number, path in enumerate(paths):
            with _opened(number, path) as file:
                for columns in _rows_of(file, path, image, label, others):
                    numbers = pa.array([number] * len(columns[0]), pa.int32())
                    stream.write_batch(pa.record_batch([numbers, *columns], schema))


def _rows_of(
    file: pq.ParquetFile, path: str, image: str, label: str | None, others: Sequence[str]
) -> Iterator[list[pa.Array]]:
    schema = file.schema_arrow
    advice = " (set extract.image, label, columns in params.yaml)"
    labelled = [label] if label else []
    _check_columns(path, schema, (image, *labelled, *others), advice)
    kind = schema.field(image).type
    if not is_image(kind):
        raise DataError(
            f"{path}: column {image} is {shown(str(kind))}, not a struct with bytes, as Hugging "
            "Face writes images"
        )
    if label and pa.types.is_nested(schema.field(label).type):  # a list may become gigabytes
        raise DataError(
            f"{path}: column {label} has labels that are neither text nor whole numbers: "
            f"{shown(str(schema.field(label).type))}"
        )
    names = classes_of(schema, path).get(label) if label else None
    leaf = f"{image}.bytes" if pa.types.is_struct(kind) else image
    start = 0
    for batch in _batches(file, path, _rows_at_once(file.metadata), [leaf, *labelled, *others]):
        contents = _contents(batch[image])
        without = contents.is_null().to_pylist()
        labels = []
        values = batch[label].to_pylist() if label else [None] * len(contents)
        for row, value in enumerate(values):
            where = f"{path}: row {start + row}"
            if without[row]:
                raise DataError(
                    f"{where} has no image in it (column {image}); images that are only named by "
                    "a path must be embedded: see datasets.table.embed_table_storage"
                )
            labels.append(_class_name(value, names, where) if label else "")
        start += len(labels)
        yield [contents, pa.array(labels, pa.string()), *(_as_text(batch[name]) for name in others)]


def texts(out: BinaryIO, paths: Sequence[str], columns: Sequence[str]) -> None:
    """Print columns as text."""
    schema = pa.schema([(f"column {at}", pa.string()) for at in range(len(columns))])
    with pa.ipc.new_stream(out, schema) as stream:
        for number, path in enumerate(paths):
            with _opened(number, path) as file:
                _check_columns(path, file.schema_arrow, columns)
                for batch in _batches(file, path, TEXT_ROWS, columns):
                    arrays = [_as_text(batch[name]) for name in columns]
                    stream.write_batch(pa.record_batch(arrays, schema))


@contextmanager
def _opened(number: int, path: str) -> Iterator[pq.ParquetFile]:
    """Open a file; whatever a library raises over what it holds becomes a DataError."""
    sys.stderr.write(f"{READING}{number}\n")
    try:
        with (
            one_line(path, "fetch it again", fault=": is damaged, or not Parquet"),
            pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file,
        ):
            yield file
    except OSError as error:  # of the machine
        raise DataError(str(explain(error))) from None


def _check_columns(path: str, schema: pa.Schema, wanted: Sequence[str], advice: str = "") -> None:
    if absent := [name for name in wanted if name not in schema.names]:
        raise DataError(
            f"{path}: has no column {first_few(absent)}; it has: {first_few(schema.names, 20)}"
            f"{advice}"
        )
    if twice := [name for name in wanted if schema.get_field_index(name) < 0]:
        raise DataError(f"{path}: has column {first_few(twice)} more than once; write it anew")


def _rows_at_once(metadata: pq.FileMetaData) -> int:
    """Return how many rows to read at a time, by their mean length in each row group."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    means = (max(1, group.total_byte_size // max(1, group.num_rows)) for group in groups)
    return max(1, min(ROWS, BATCH_BYTES // max(means, default=1)))


def _batches(
    file: pq.ParquetFile, path: str, rows: int, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield columns of some rows at a time; raise DataError if there are more than can be."""
    most = max(FEW_ROWS, Path(path).stat().st_size // FEWEST_BYTES)
    total = 0
    batches = file.iter_batches(rows, columns=list(columns), use_threads=False)
    signal.alarm(LONGEST_WAIT)
    for batch in batches:
        signal.alarm(0)
        total += len(batch)
        if total > most:
            raise DataError(
                f"{path}: has more than {most:,} rows, one for {FEWEST_BYTES} bytes; it is not "
                "meant to be read"
            )
        yield batch
        signal.alarm(LONGEST_WAIT)
    signal.alarm(0)


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def _is_list(kind: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in tests)


def _contents(images: pa.Array) -> pa.Array:
    contents = images.field("bytes") if pa.types.is_struct(images.type) else images
    return contents.cast(pa.binary())


def _class_name(value: Any, names: list[str] | None, where: str) -> str:
    if value is None or value == "" or (isinstance(value, int) and value < 0):
        raise DataError(
            f"{where} has no label ({value}); leave out files without labels (extract.test), or "
            "label them"
        )
    if not isinstance(value, int | str):
        raise DataError(
            f"{where} has a label that is neither text nor a whole number: {shown(repr(value))}"
        )
    if isinstance(value, str) or names is None:
        return str(value)
    if value >= len(names):
        raise DataError(f"{where} has the label {value}, but only {len(names)} classes have names")
    return names[value]


def _as_text(values: pa.Array) -> pa.Array:
    texts = ["" if value is None else str(value) for value in values.to_pylist()]
    return pa.array(texts, pa.string())


if __name__ == "__main__":
    main(sys.argv[1])
