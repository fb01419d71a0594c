"""Signals: Ctrl-C and termination end a program within seconds, with one line.

Python acts on a signal between two of its own steps; a library's call may take minutes. A thread
therefore ends the process if the signal was not obeyed.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

GRACE_SECONDS = 2.0
"""Time to remove incomplete outputs after a signal; the next start removes what is left of them."""

ENDED = 0
"""What is read instead of a signal's number when the program has ended."""

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Stop(BaseException):
    """A signal that ends the program.

    It is no ``KeyboardInterrupt``: Python turns an uncaught one into an exit status of its own.

    Attributes
    ----------
    line : str
        The line to print.
    status : int
        The program's exit status.
    """

    def __init__(self, label: str, number: int) -> None:
        self.line = f"{label}: {WORDS[signal.Signals(number)]}"
        self.status = 128 + number


@contextmanager
def handled(label: str) -> Iterator[None]:
    """Raise ``Stop`` on SIGINT and SIGTERM in the body, and end the process if it goes on.

    The process ends at another signal, or after ``GRACE_SECONDS``. Signals that the parent process
    set to be ignored stay ignored.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    stderr = os.dup(2)  # a copy, since standard error may be redirected when the signal comes
    watch = threading.Thread(target=_watch, args=(reader, stderr, label), daemon=True)
    watch.start()
    handled_here = [number for number in WORDS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, partial(_stop, label)) for number in handled_here}
    signal.set_wakeup_fd(writer)
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writer)
        watch.join()
        os.close(reader)
        os.close(stderr)


def _stop(label: str, number: int, _: Any) -> None:
    signal.signal(number, lambda *_: None)  # _watch alone sees the next one
    raise Stop(label, number)


def _watch(reader: int, stderr: int, label: str) -> None:
    """End the process if it goes on after a signal, or gets another one."""
    number = _next(reader)
    if number and _next(reader, GRACE_SECONDS) != ENDED:
        stop = Stop(label, number)
        with suppress(OSError):
            os.write(stderr, f"\n{stop.line}\n".encode())
        os._exit(stop.status)


def _next(reader: int, seconds: float | None = None) -> int | None:
    """Return the next signal of ``WORDS``; ``ENDED``; None if neither comes in time."""
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if end is None else max(0.0, end - time.monotonic())
        if not select.select([reader], [], [], left)[0]:
            return None
        number = os.read(reader, 1)
        if not number:
            return ENDED
        if number[0] in WORDS:  # the pipe gets every signal that Python handles, timers' too
            return number[0]
