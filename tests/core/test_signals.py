"""Signals, as a terminal or a scheduler sends them to a program."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from pipeline.core import signals
from tests.support.builders import ROOT

GUARDED = """
import ctypes, time
from pipeline.core import signals, stage

def work():
    try:
        print("in", flush=True)
        {body}
    finally:
        print("cleaned", flush=True)
        {cleaning}

signals.GRACE_SECONDS = {grace}
stage.guard(work, "train mine")
"""
STUCK = "lock = ctypes.CDLL(None).pthread_mutex_lock; m = (ctypes.c_char * 64)(); lock(m); lock(m)"
"""A call of a library that no signal ends."""


def start(body, *, cleaning="pass", grace=60, **options):
    """Start a guarded program; return it when it is at work."""
    script = GUARDED.format(body=body, cleaning=cleaning, grace=grace)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )
    assert process.stdout.readline() == "in\n"
    return process


def end(process, number=None):
    """Send a signal to the process group, as a terminal does; return status, output and errors."""
    if number:
        os.killpg(process.pid, number)
    with process:
        # Not communicate(), which would lose what readline() has read ahead.
        out, err = process.stdout.read(), process.stderr.read()
    return process.returncode, out, err


INTERRUPTED = 130, "\ntrain mine: interrupted\n"
TERMINATED = 143, "\ntrain mine: terminated\n"


@pytest.mark.parametrize(
    ("number", "line"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)]
)
def test_a_signal_ends_the_work_which_cleans_up(number, line):
    status, out, err = end(start("time.sleep(60)"), number)
    assert (status, err) == line
    assert out == "cleaned\n"


@pytest.mark.parametrize(
    ("number", "line"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)]
)
def test_a_library_that_does_not_return_is_ended(number, line):
    process = start(f"import os; os.dup2(1, 2); {STUCK}", grace=0.1)  # as while it is held back
    time.sleep(0.2)  # until it is stuck; if it is not yet, it is ended all the same
    status, _, err = end(process, number)
    assert (status, err) == line


def test_a_second_signal_ends_what_does_not_end():
    process = start("time.sleep(60)", cleaning="time.sleep(60)")
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.readline() == "cleaned\n"
    status, _, err = end(process, signal.SIGINT)
    assert (status, err) == INTERRUPTED


def test_what_is_ignored_stays_ignored():
    process = start(
        "time.sleep(60)", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    )
    os.killpg(process.pid, signal.SIGINT)
    status, _, err = end(process, signal.SIGTERM)
    assert (status, err) == TERMINATED


@pytest.mark.parametrize(("body", "ends"), [("pass", ""), ("1 / 0", "by zero\n")])
def test_a_program_that_ends_by_itself_prints_nothing_of_signals(body, ends):
    status, out, err = end(start(body))
    assert (status, out) == (bool(ends), "cleaned\n")
    assert err.endswith(ends)
    assert "train mine" not in err


def test_nothing_is_left_behind():
    with signals.handled("train mine"):
        assert threading.active_count() > 1
    assert signal.set_wakeup_fd(-1) == -1
    assert not [thread for thread in threading.enumerate() if "_watch" in thread.name]


def test_a_timer_ends_nothing_and_leaves_the_watch_there():
    timer = "import signal; signal.signal(signal.SIGALRM, lambda *_: None); "
    timer += "signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01); "
    body = timer + "time.sleep(1); print('on', flush=True); " + STUCK
    # At its end Python forgets the handler, and a timer that goes on would end the process.
    process = start(body, cleaning="signal.setitimer(signal.ITIMER_REAL, 0)", grace=0.2)
    assert process.stdout.readline() == "on\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    process.communicate()
