"""Writing of a dataset's shards, several at once, and of their index.

Shards that an interrupted run had finished stay in the work folder, each with a record of its
inputs. The next run keeps those that it would write alike. Each attempt writes to files of its own,
which only the present run can put in place: neither a task that runs twice nor one that an ended
run left on another machine spoils a shard.
"""

import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from pydantic import ValidationError

from pipeline.core import files, places, resumed
from pipeline.core.errors import DataError, first_few
from pipeline.core.params import Section
from pipeline.decode.params import Decode
from pipeline.execution import fingerprint, workers
from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.shards.columns import Rows, Shape
from pipeline.shards.index import INDEX, Index, Quarantined, ShardFile


class Layout(NamedTuple):
    """The properties that all shards of a dataset share; see ``shards.index.Index``."""

    format: shard.Format
    shape: Shape
    classes: tuple[str, ...]
    divisor: int
    resize: str | None = None
    convert: dict[str, str] | None = None


class Task(Protocol):
    """A shard to write; tasks are independent, so that the number of workers changes no byte."""

    def key(self) -> str:
        """Return the SHA-256 of all inputs of the shard except code."""

    def groups(self, quarantined: list[Quarantined], converted: Counter[str]) -> Iterable[Rows]:
        """Yield its row groups.

        Images that are left out are added to ``quarantined``, and those that are converted counted
        in ``converted``, by the policy's words.
        """


class Record(Section):
    """A description of a finished shard, written beside it."""

    key: str
    """SHA-256 of its inputs, code included."""
    file: ShardFile
    quarantined: tuple[Quarantined, ...]
    converted: dict[str, int]
    seal: str = ""
    """SHA-256 of the above, for damage to a number would not show."""

    def sealed(self) -> "Record":
        """Return the same record with the seal that it should have."""
        content = self.model_dump_json(exclude={"seal"})
        return self.model_copy(update={"seal": fingerprint.key(content)})


def write_shards(tasks: Sequence[Task], folder: Path, layout: Layout) -> str:
    """Write a shard for each task, and their index, into ``folder``, which is replaced as a whole.

    Returns
    -------
    str
        Numbers of images, shards and bytes, for the console.

    Raises
    ------
    DataError
        If no image could be used.
    """
    names = [f"part-{number:05}.{layout.format}" for number in range(len(tasks))]
    program = fingerprint.program()
    with files.new_folder(folder, resume=_is_own) as work:
        paths = [work / name for name in names]
        _remove_others(work, paths)
        with tempfile.TemporaryDirectory(dir=work) as scratch:
            writing = [
                partial(_write, path, Path(scratch), task, program, layout)
                for path, task in zip(paths, tasks, strict=True)
            ]
            with closing(workers.run(writing, "decode", "shards")) as written:
                index = _index(written, layout)
        _check(index, work)
        index.write(work)
        for path in paths:
            places.remove(_record(path))
    height, width, channels = layout.shape
    size = sum(file.bytes for file in index.files) / 1e6
    left_out = f", {len(index.quarantined):,} quarantined" if index.quarantined else ""
    words = ", ".join(f"{count:,} {word}" for word, count in (index.converted or {}).items())
    converted = f", converted: {words}" if words else ""
    return (
        f"{index.rows:,} images of shape ({height}, {width}, {channels}){converted}{left_out}, "
        f"{len(index.files):,} shard{'s' * (len(index.files) != 1)}, {size:,.1f} MB"
    )


def _record(path: Path) -> Path:
    return path.with_suffix(".record.json")


def _is_own(name: str) -> bool:
    """Return True for the name of a file, or of a temporary folder, that ``write_shards`` makes."""
    return re.fullmatch(rf"part-\d{{5,}}\.\w+(\.json)?|{INDEX}|tmp\w{{8}}", name) is not None


def _remove_others(work: Path, paths: list[Path]) -> None:
    """Remove all files that an interrupted run left, but for finished shards."""
    for path in resumed.entries(work):
        if path.is_dir():  # these first: a task left behind may move files out of them
            with suppress(OSError):
                places.remove(path)
    kept = {path for path in paths if places.is_plain(path) and places.is_plain(_record(path))}
    for path in resumed.entries(work):
        if path not in kept | {_record(path) for path in kept}:
            places.remove(path)


def _write(
    path: Path, scratch: Path, task: Task, program: str, layout: Layout
) -> tuple[Record, bytes]:
    """Write a shard, unless it is finished; return its record and its rows' identity."""
    key = fingerprint.key(program, task.key(), repr(layout))
    record = _finished(path, key)
    if record:
        return record, shard.identity(path)
    quarantined: list[Quarantined] = []
    converted: Counter[str] = Counter()
    groups = workers.stoppable(task.groups(quarantined, converted))
    with places.attempt(path, scratch) as new:
        rows, identity = shard.write(new, groups, layout.classes, layout.shape)
        file = ShardFile(
            name=path.name, rows=rows, bytes=new.stat().st_size, sha256=files.sha256(new)
        )
    record = Record(key=key, file=file, quarantined=tuple(quarantined), converted=converted)
    with places.attempt(_record(path), scratch) as new:
        files.write_json(new, record.sealed().model_dump(mode="json"))
    return record, identity


def _finished(path: Path, key: str) -> Record | None:
    """Return the record of a shard that is there, undamaged, with the same key; or None."""
    try:
        record = Record.model_validate(files.read_json(_record(path)), strict=False)
        fits = record.key == key and record == record.sealed()
        whole = fits and files.sha256(path) == record.file.sha256
    except (DataError, ValidationError, FileNotFoundError):
        return None
    return record if whole else None


def _index(written: Iterable[tuple[Record, bytes]], layout: Layout) -> Index:
    content = hashlib.sha256()
    records = []
    converted: Counter[str] = Counter()
    for record, identity in written:
        content.update(identity)
        converted.update(record.converted)
        records.append(record)
    return Index(
        **layout._asdict(),
        converted=None if layout.convert is None else dict(sorted(converted.items())),
        rows=sum(record.file.rows for record in records),
        files=tuple(record.file for record in records),
        quarantined=tuple(image for record in records for image in record.quarantined),
        content_sha256=content.hexdigest(),
    )


def _check(index: Index, folder: Path) -> None:
    """Raise DataError if all images of the dataset or of a class were left out."""
    if not index.rows:
        reasons = Counter(image.reason for image in index.quarantined)
        why = f" ({_listed(reasons)})" if reasons else ""
        raise DataError(f"no image could be used{why}; see the images and decode in params.yaml")
    if not index.quarantined:
        return
    left_out = Counter(image.class_name for image in index.quarantined)
    used = np.bincount(shard_index.column(folder, index, "label"), minlength=len(index.classes))
    for name, count in zip(index.classes, used, strict=True):
        if left_out[name] and not count:
            reasons = Counter(one.reason for one in index.quarantined if one.class_name == name)
            raise DataError(
                f"no image of class {name} can be used ({_listed(reasons)}); mend or convert them, "
                "or take the class out of the data and of decode.classes in params.yaml"
            )


def _listed(reasons: Counter[str]) -> str:
    return first_few([f"{reason}: {count:,}" for reason, count in reasons.most_common()])


def layout_of(params: Decode, shape: Shape, divisor: int) -> Layout:
    """Return the layout of shards with a dataset's format and classes."""
    return Layout(params.format, shape, params.classes, divisor)
