import itertools
import threading
import time

import pytest

from pipeline.core.errors import ParameterError
from pipeline.execution import workers


def test_results_are_in_the_order_of_the_tasks(monkeypatch):
    monkeypatch.setenv(workers.WORKERS, "2")
    first_may_end = threading.Event()

    def first():
        assert first_may_end.wait(60)
        return "first"

    def second():
        first_may_end.set()
        return "second"

    assert list(workers.run([first, second], "work", "tasks")) == ["first", "second"]


def test_an_error_ends_the_tasks_that_have_not_begun(monkeypatch):
    monkeypatch.setenv(workers.WORKERS, "1")
    done = []

    def fail():
        raise ValueError("broken")

    def note():
        time.sleep(0.001)
        done.append(1)

    with pytest.raises(ValueError, match="broken"):
        list(workers.run([fail] + [note] * 3000, "work", "tasks"))
    assert len(done) < 3000


def test_an_error_ends_the_tasks_that_have_begun(monkeypatch):
    monkeypatch.setenv(workers.WORKERS, "2")
    has_begun = threading.Event()

    def fail():
        assert has_begun.wait(60)
        raise ValueError("broken")

    def count():
        for _ in workers.stoppable(itertools.count()):
            has_begun.set()
            time.sleep(0.001)

    with pytest.raises(ValueError, match="broken"):
        list(workers.run([fail, count], "work", "tasks"))
    assert list(workers.run([lambda: list(workers.stoppable("ab"))], "work", "tasks")) == [
        ["a", "b"]
    ]


def test_number_is_the_variables_or_that_of_the_cores(monkeypatch):
    monkeypatch.setenv(workers.WORKERS, "3")
    assert workers.count() == 3
    monkeypatch.delenv(workers.WORKERS)
    assert workers.count() >= 1


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_other_values_are_refused(monkeypatch, text):
    monkeypatch.setenv(workers.WORKERS, text)
    with pytest.raises(ParameterError, match="PIPELINE_WORKERS must be a whole number from 1"):
        workers.count()
