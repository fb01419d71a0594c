"""What stages wrote and others read back, tampered with.

``INPUTS`` are indices and shards that ``split`` reads. ``CHANGES`` are of files that a report
is made from: each has the file, a function of its bytes, and the expected end.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core import paths
from tests.support.builders import Project
from tests.support.hostile.corpus import Input
from tests.support.reports import RUN

Content = Callable[[bytes], bytes]
SHARDS = "data/shards/tiny_png"


class Change(NamedTuple):
    """A change of a file."""

    path: Path
    content: Content
    ends: str


def _json(change: Callable[[Any], Any]) -> Content:
    """Change a JSON file's value in place."""

    def content(old: bytes) -> bytes:
        value = json.loads(old)
        change(value)
        return json.dumps(value).encode()

    return content


def set_(*keys: Any, to: Any) -> Content:
    """Set a value within a JSON file."""

    def change(value: Any) -> None:
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = to

    return _json(change)


def column(name: str, values: Callable[[list[Any]], Any], kind: Any = None) -> Content:
    """Change the values of a column of a Parquet file, and perhaps its type."""

    def content(old: bytes) -> bytes:
        table = pq.read_table(io.BytesIO(old))
        array = pa.array(values(table[name].to_pylist()), kind or table[name].type)
        place = table.schema.get_field_index(name)
        new = io.BytesIO()
        pq.write_table(table.set_column(place, name, array), new, compression="zstd")
        return new.getvalue()

    return content


def _bomb(name: str) -> Content:
    """Return a Parquet file whose one value, of 200 MB, stands in each of many rows."""

    def content(_: bytes) -> bytes:
        value = pa.DictionaryArray.from_arrays(np.zeros(64, np.int32), ["a" * 200_000_000])
        new = io.BytesIO()
        pq.write_table(pa.table({name: value}), new, compression="zstd")
        return new.getvalue()

    return content


def _shards(name: str, content: Content) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        path = project.folder / SHARDS / name
        path.write_bytes(content(path.read_bytes()))

    return put


INDEX, SHARD = "index.json", "part-00000.parquet"
INPUTS: dict[str, Input] = {
    name: Input("split", "tiny_png", _shards(file, content), ends)
    for name, file, content, ends in (
        ("an index of fewer rows than its files", INDEX, set_("rows", to=7), "rows is 7, but"),
        (
            "an index with a negative divisor",
            INDEX,
            set_("divisor", to=-255),
            "index.json: divisor",
        ),
        ("an index with a class twice", INDEX, set_("classes", to=["a", "a"]), "a class twice"),
        ("an index of unknown files' rows", INDEX, set_("files", 0, "rows", to=1 << 62), "rows"),
        (
            "an index of a hundred thousand unknown keys",
            INDEX,
            lambda _: b'{"version": 1, %s}' % b", ".join(b'"%d": 1' % n for n in range(200_000)),
            "an object has too many keys",
        ),
        (
            "a shard with an id twice",
            SHARD,
            column("id", lambda ids: [ids[1], *ids[1:]]),
            "1 ids stand there more than once",
        ),
        (
            "a shard of positions beyond 2^31",
            SHARD,
            column("position", lambda old: [1 << 31] * len(old), pa.int64()),
            "its column position is of type int64, not int32",
        ),
        (
            "a shard of negative positions",
            SHARD,
            column("position", lambda old: [-1] * len(old)),
            "its column position has -1, which is not from 0",
        ),
        (
            "a shard of classes that are none",
            SHARD,
            column("label", lambda old: [3] * len(old)),
            "its column label has 3, which is not from 0 to 2",
        ),
        (
            "a shard of sums that overflow",
            SHARD,
            column("pixel_sum", lambda old: [[(1 << 63) - 1] * len(one) for one in old]),
            "its column pixel_sum has 9,223,372,036,854,775,807",
        ),
        (
            "a shard whose sums contradict each other",
            SHARD,
            column("pixel_squares", lambda old: [[0] * len(one) for one in old]),
            "pixel_sum and pixel_squares contradict each other",
        ),
        ("a shard of one value a thousand times as long", SHARD, _bomb("id"), "is damaged|memory"),
    )
}

SPLIT, PREDICTIONS, CARD = paths.split("tiny"), paths.predictions(RUN), paths.data_card("tiny")
EVALUATION, HISTORY = (paths.metrics(RUN) / name for name in ("evaluation.json", "history.csv"))
LISTS = pa.list_(pa.float32(), 3)
CHANGES: dict[str, Change] = {
    "a split of unknown subsets": Change(
        SPLIT, column("subset", lambda old: ["holdout"] * len(old)), "has subsets other than"
    ),
    "a split with an id twice": Change(
        SPLIT, column("id", lambda ids: [ids[1], *ids[1:]]), "are of different data"
    ),
    "a split without a subset's name": Change(
        SPLIT, column("subset", lambda old: [None, *old[1:]]), "subset has rows without a value"
    ),
    "a split of numbers": Change(
        SPLIT, column("id", lambda old: range(len(old)), pa.int64()), "is of type int64, not string"
    ),
    "a split without training images": Change(
        SPLIT, column("subset", lambda old: ["test"] * len(old)), "has no image for train"
    ),
    "a split of one value that is long": Change(SPLIT, _bomb("id"), "is damaged|memory"),
    "a split of no UTF-8": Change(
        SPLIT,
        column("id", lambda old: pa.array([b"\xff%d" % n for n in range(len(old))]).view("string")),
        "is damaged .*UTF",
    ),
    "predictions that are no numbers": Change(
        PREDICTIONS,
        column("probabilities", lambda old: [[float("nan")] * 3] * len(old)),
        "probabilities that do not sum to 1",
    ),
    "predictions that are negative": Change(
        PREDICTIONS,
        column("probabilities", lambda old: [[2.0, -1.0, 0.0]] * len(old)),
        "not between 0 and 1",
    ),
    "predictions with an id twice": Change(
        PREDICTIONS, column("id", lambda ids: [ids[1], *ids[1:]]), "more than once"
    ),
    "predictions of a class that is none": Change(
        PREDICTIONS, column("label", lambda old: [3] * len(old)), "label has classes beyond its 3"
    ),
    "predictions of other classes than the most probable": Change(
        PREDICTIONS,
        column("predicted", lambda old: [(one + 1) % 3 for one in old]),
        "not the most probable ones",
    ),
    "predictions of other images": Change(
        PREDICTIONS, column("id", lambda ids: [f"x{id_}" for id_ in ids]), "are not of data/shards"
    ),
    "predictions without lists": Change(
        PREDICTIONS,
        column("probabilities", lambda old: [0.5] * len(old), pa.float32()),
        "no column probabilities of lists",
    ),
    "a card of other data": Change(
        CARD, set_("content_sha256", to="11" * 32), "data.json is not of data/shards/tiny"
    ),
    "a card whose counts contradict": Change(
        CARD, set_("subsets", "test", "n", to=1), "subsets.test.n is 1, its classes have others"
    ),
    "a card of pixels that are no numbers": Change(
        CARD, set_("training_pixels", "max", to=float("nan")), "training_pixels.max"
    ),
    "a card without a channel's mean": Change(
        CARD, set_("training_pixels", "mean", to=[]), "a mean and a std for each channel"
    ),
    "an evaluation without an accuracy": Change(
        EVALUATION, _json(lambda value: value.pop("accuracy")), "accuracy: Field required"
    ),
    "an evaluation of another accuracy": Change(
        EVALUATION, set_("accuracy", to=0.99), "accuracy is not that of its classes"
    ),
    "an evaluation of more images": Change(
        EVALUATION, set_("n", to=10**30), "n is 1,000,000,000,000,000,000,000,000,000,000, but"
    ),
    "an evaluation of an infinite loss": Change(
        EVALUATION, set_("loss", to=float("inf")), "loss: Input should be a finite number"
    ),
    "an evaluation of text": Change(EVALUATION, set_("n", to="30"), "n: Input should be a valid"),
    "an evaluation with a key twice": Change(
        EVALUATION, lambda old: old.replace(b'"n":', b'"n": 1, "n":'), "one twice"
    ),
    "an evaluation with escapes in a key": Change(
        EVALUATION, set_("\x1b[31m\n" + "a" * 3_000_000, to=1), r"evaluation.json: \?\[31m\?aaa"
    ),
    "an evaluation nested deeply": Change(
        EVALUATION, lambda _: b'{"n":' * 100_000, "is not valid JSON"
    ),
    "an evaluation of another encoding": Change(
        EVALUATION, lambda old: old.decode().encode("utf-16"), "evaluation.json: "
    ),
    "a history without epochs": Change(HISTORY, lambda old: old[:20], "has no epochs"),
    "a history of epochs that descend": Change(
        HISTORY, lambda old: old.replace(b"\n2,", b"\n0,"), "epochs do not ascend"
    ),
    "a history that is no number": Change(
        HISTORY, lambda old: old.replace(b"0.9", b"nan"), "values that are not finite"
    ),
    "a history of no UTF-8": Change(HISTORY, lambda old: old + b"\xff", "is damaged"),
    "a history with a row that is too long": Change(
        HISTORY, lambda old: old + b"3" + b"," * 9 + b"\n", "rows are not as its header"
    ),
    "a history with a long cell": Change(
        HISTORY, lambda old: old + b"3" * 200_000 + b"\n", "history.csv is damaged"
    ),
}
