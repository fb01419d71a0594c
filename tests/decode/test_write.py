import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.decode import write
from pipeline.decode.write import Layout
from pipeline.shards import index as shard_index
from pipeline.shards.columns import Rows
from pipeline.shards.index import Quarantined
from tests.support.builders import CLASSES, pixels

SHAPE = (4, 4, 1)
LAYOUT = Layout("parquet", SHAPE, CLASSES, 255, convert={"alpha": "white", "frames": "first"})


class Task(NamedTuple):
    """A ``write.Task`` made of two functions."""

    key: Callable[[], str]
    groups: Callable[[list[Quarantined], Counter[str]], Iterable[Rows]]


class Parts:
    """Three tasks of four rows each, which count how often they are done."""

    def __init__(self, seed=0):
        self.seed = seed
        self.done = []
        self.fault = {}

    def tasks(self):
        return [Task(lambda n=n: f"{n} {self.seed}", partial(self.groups, n)) for n in range(3)]

    def groups(self, number, quarantined, converted):
        for first in 0, 2:
            if first and number in self.fault:
                raise self.fault[number]
            rows = np.arange(first, first + 2, dtype=np.int32) + 4 * number
            labels = rows % 3
            ids = [f"image {row}" for row in rows]
            yield Rows(ids, rows, labels, pixels(labels, SHAPE, seed=self.seed + number))
        quarantined.append(Quarantined(id=f"bad {number}", name="x", reason="y"))
        converted.update({"alpha": number, "frames": 1})
        self.done.append(number)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def one_worker(monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "1")


@pytest.fixture
def whole(tmp_path):
    """Return the files that an uninterrupted run writes."""
    write.write_shards(Parts().tasks(), tmp_path / "whole", LAYOUT)
    return content(tmp_path / "whole")


def interrupted(folder, fault=None, number=2):
    """Run until the last of three shards is half written."""
    parts = Parts()
    parts.fault = {number: fault or KeyboardInterrupt()}
    with pytest.raises(type(parts.fault[number])):
        write.write_shards(parts.tasks(), folder, LAYOUT)
    assert not folder.exists()
    return files.beside(folder)


def test_shards_and_index(tmp_path, whole):
    assert sorted(whole) == ["index.json", *(f"part-0000{n}.parquet" for n in range(3))]
    index = shard_index.Index.read(tmp_path / "whole")
    assert index.rows == 12
    assert [image.id for image in index.quarantined] == ["bad 0", "bad 1", "bad 2"]
    assert index.converted == {"alpha": 3, "frames": 3}
    for file in index.files:
        assert files.sha256(tmp_path / "whole" / file.name) == file.sha256


@pytest.mark.slow
@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_finished_shards_are_taken_up(tmp_path, whole, fault):
    folder = tmp_path / "out"
    interrupted(folder, fault)
    parts = Parts()
    write.write_shards(parts.tasks(), folder, LAYOUT)
    assert parts.done == [2]
    assert content(folder) == whole
    assert not files.beside(folder).exists()


@pytest.mark.slow
def test_what_was_made_from_something_else_is_made_anew(tmp_path):
    folder = tmp_path / "out"
    interrupted(folder)
    parts = Parts(seed=5)
    write.write_shards(parts.tasks(), folder, LAYOUT)
    assert parts.done == [0, 1, 2]
    write.write_shards(Parts(seed=5).tasks(), tmp_path / "whole", LAYOUT)
    assert content(folder) == content(tmp_path / "whole")


@pytest.mark.parametrize(
    "layout",
    [LAYOUT._replace(format="npz"), LAYOUT._replace(classes=("x", "y", "z"))],
    ids=["format", "classes"],
)
def test_another_layout_is_made_anew(tmp_path, layout):
    folder = tmp_path / "out"
    interrupted(folder)
    parts = Parts()
    write.write_shards(parts.tasks(), folder, layout)
    assert parts.done == [0, 1, 2]
    assert len(content(folder)) == 4


def test_other_code_makes_them_anew(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    interrupted(folder)
    monkeypatch.setattr("pipeline.execution.fingerprint.program", lambda: "other")
    parts = Parts()
    write.write_shards(parts.tasks(), folder, LAYOUT)
    assert parts.done == [0, 1, 2]


@pytest.mark.parametrize("suffix", [".parquet", ".record.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_shard_or_record_is_made_anew(tmp_path, whole, suffix, damage):
    folder = tmp_path / "out"
    path = interrupted(folder) / f"part-00000{suffix}"
    content_ = path.read_bytes()
    if damage == "remove":
        path.unlink()
    elif damage == "truncate":
        path.write_bytes(content_[:20])
    else:
        path.write_bytes(content_.replace(b"a", b"b", 1))
    parts = Parts()
    write.write_shards(parts.tasks(), folder, LAYOUT)
    assert content(folder) == whole
    assert set(parts.done) in ({0, 2}, {2})


def test_fewer_parts_leave_nothing_of_the_others(tmp_path):
    folder = tmp_path / "out"
    interrupted(folder)
    write.write_shards(Parts().tasks()[:1], folder, LAYOUT)
    assert sorted(content(folder)) == ["index.json", "part-00000.parquet"]


def test_an_error_in_the_data_leaves_nothing(tmp_path):
    work = interrupted(tmp_path / "out", DataError("image 9 is bad"))
    assert not work.exists()


def test_no_image_at_all_is_refused(tmp_path):
    with pytest.raises(DataError, match="no image could be used"):
        write.write_shards([Task(lambda: "", lambda *_: [])], tmp_path / "out", LAYOUT)
    assert list(tmp_path.iterdir()) == []


def test_an_error_ends_the_other_shards_between_their_row_groups(tmp_path, monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "2")
    has_begun = threading.Event()

    def fail(*_):
        assert has_begun.wait(60)
        raise DataError("damaged")
        yield

    def go_on(*_):
        for row in itertools.count():
            has_begun.set()
            label = np.int32([0])
            yield Rows([str(row)], np.int32([row]), label, pixels(label, SHAPE))

    tasks = [Task(lambda: "fail", fail), Task(lambda: "go on", go_on)]
    with pytest.raises(DataError, match="damaged"):
        write.write_shards(tasks, tmp_path / "out", LAYOUT)
