"""Tests of `pipeline.core.limits`."""

import sys
import threading

import numpy as np
import pytest

from pipeline.core import limits
from pipeline.core.errors import DataError

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces it")


@needs_linux
def test_more_memory_than_allowed_is_the_inputs_fault():
    with (
        pytest.raises(DataError, match=r"^a\.png: reading it takes more than 0\.1 GB of memory; "),
        limits.memory("a.png", 100_000_000),
    ):
        np.ones(200_000_000, np.uint8)


@needs_linux
def test_the_limit_ends_with_the_body_and_a_nested_one_is_lower():
    with limits.memory("a.zip", 50_000_000), limits.memory("a.png"), pytest.raises(MemoryError):
        np.ones(100_000_000, np.uint8)
    assert np.ones(200_000_000, np.uint8).all()


def test_other_errors_pass():
    with pytest.raises(KeyError), limits.memory("a.png"):
        {}["key"]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that makes a module from its source, and returns its name."""

    def make(source):
        (tmp_path / "for_a_child.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "for_a_child"

    return make


def test_a_child_gets_arguments_and_its_standard_input(module, tmp_path):
    name = module("import sys; print(sys.argv[1:], sys.stdin.read())")
    (tmp_path / "in").write_text("read")
    with (tmp_path / "in").open("rb") as file:
        assert limits.child(name, "a", "b", stdin=file) == b"['a', 'b'] read\n"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import os; os.abort()", "ended with status -6"),
        ("import sys; sys.exit(3)", "ended with status 3"),
        ("while True: pass", "ended with status -|took more than 6 s"),  # on a loaded machine
        pytest.param("import time; time.sleep(60)", "took more than 6 s", marks=pytest.mark.slow),
    ],
)
def test_a_child_that_fails(module, source, fault):
    with pytest.raises(limits.ChildError, match=f"^({fault})"):
        limits.child(module(source), seconds=1)


@needs_linux
def test_a_child_that_takes_too_much(module):
    name = module("bytearray(500_000_000)")
    with pytest.raises(limits.ChildError, match=r"^ended with status 1$"):
        limits.child(name, addresses=400_000_000)


MEGA = 1 << 20


def started(room, pixels, entered, leave):
    def work():
        with room.of(pixels):
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_images_wait_until_there_is_room():
    room = limits.Room(10 * MEGA)
    leave, first, second, third, small = (threading.Event() for _ in range(5))
    threads = [started(room, 6 * MEGA, first, leave)]
    assert first.wait(60)
    threads.append(started(room, 4 * MEGA, second, leave))
    assert second.wait(60)  # both have room
    threads += [
        started(room, 2 * MEGA, third, leave),
        started(room, limits.SMALL_IMAGE, small, leave),
    ]
    assert small.wait(60)
    assert not third.is_set()
    leave.set()
    assert third.wait(60)
    for thread in threads:
        thread.join(60)
    with room.of(100 * MEGA):  # alone, whatever its size
        pass


def test_an_image_that_fails_gives_its_room_back():
    room = limits.Room(10 * MEGA)
    with pytest.raises(ValueError, match="damaged"), room.of(9 * MEGA):
        raise ValueError("damaged")
    with room.of(9 * MEGA):
        pass
