import json
import os

import numpy as np
import pytest

from pipeline.execution.checkpoints import Checkpoint

ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([7], np.uint32), np.float64(0.5)]
NOTE = [{"epoch": 1, "loss": 0.1 + 0.2, "none": None}]


@pytest.fixture
def saved(tmp_path):
    checkpoint = Checkpoint(tmp_path / "new" / "run.npz", "key")
    checkpoint.write(ARRAYS, NOTE)
    return checkpoint


def test_what_was_written_is_read(saved):
    arrays, note = saved.read()
    assert note == NOTE
    for found, array in zip(arrays, ARRAYS, strict=True):
        assert found.dtype == array.dtype
        assert found.shape == array.shape
        assert (found == array).all()
    saved.write(ARRAYS[:1], "later")
    arrays, note = saved.read()
    assert (len(arrays), note) == (1, "later")


def test_none_or_anothers_is_not_read(saved):
    assert Checkpoint(saved.path, "other").read() is None
    assert Checkpoint(saved.path.with_name("none"), "key").read() is None


@pytest.mark.parametrize("position", [0, 100, 0.3, 0.5, 0.9, -10])
def test_a_damaged_one_is_not_read(saved, position):
    content = bytearray(saved.path.read_bytes())
    at = int(position * len(content)) if isinstance(position, float) else position
    content[at] ^= 0xFF
    saved.path.write_bytes(content)
    found = saved.read()
    if found is not None:  # a byte that means nothing, such as a time stamp's
        assert found[1] == NOTE
        assert all((a == b).all() for a, b in zip(found[0], ARRAYS, strict=True))


@pytest.mark.parametrize("length", [0, 1, 50, 0.5, 0.99])
def test_a_truncated_one_is_not_read(saved, length):
    content = saved.path.read_bytes()
    end = int(length * len(content)) if isinstance(length, float) else length
    saved.path.write_bytes(content[:end])
    assert saved.read() is None


def test_no_pickle_is_loaded(saved):
    with saved.path.open("wb") as file:
        np.savez(file, note=np.array({"key": "key", "note": 1}, dtype=object))
    assert saved.read() is None


def test_it_is_removed_unless_the_parent_is_gone(saved, monkeypatch):
    monkeypatch.setattr(os, "getppid", lambda: 1)
    saved.remove()
    assert saved.path.exists()
    monkeypatch.undo()
    saved.remove()
    assert not saved.path.exists()
    saved.remove()


def test_a_compressed_one_counts_as_none(tmp_path):
    note = np.array(json.dumps({"key": "key", "note": None}))
    for save, found in ((np.savez, ([], None)), (np.savez_compressed, None)):
        save(tmp_path / "a.npz", note=note)
        assert Checkpoint(tmp_path / "a.npz", "key").read() == found
