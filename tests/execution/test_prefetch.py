import threading

import pytest

from pipeline.execution.prefetch import prefetch


def test_items_come_in_order():
    assert list(prefetch(iter(range(100)), 3)) == list(range(100))
    assert list(prefetch(iter([]))) == []


def test_items_are_made_before_they_are_asked_for():
    made = threading.Event()

    def items():
        yield 1
        made.set()
        yield 2

    assert next(prefetch(items())) == 1
    assert made.wait(60)


def test_an_error_comes_where_it_was_raised():
    def items():
        yield 1
        raise ValueError("of the second")

    found = prefetch(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="of the second"):
        next(found)


def test_no_thread_is_left():
    before = threading.active_count()
    found = prefetch(iter(range(100)))
    next(found)
    assert threading.active_count() == before + 1
    found.close()
    assert threading.active_count() == before
