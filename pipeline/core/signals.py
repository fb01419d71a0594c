"""Signals: Ctrl-C and termination end a program at once, with one line, and so does being killed.

Python acts on a signal between two steps of its own; a library's call of minutes would put that
off. And who is killed, for want of memory say, can say nothing itself.
"""

import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from pipeline.core.errors import MEMORY

GRACE_SECONDS = 2.0
"""Time to remove what is incomplete, after a signal; else that is removed by the next start."""

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
KILLED = f"killed or crashed, most often because memory ran out; {MEMORY}"

Shell = subprocess.Popen[bytes]


class Stop(BaseException):
    """A signal that ends the program.

    It is no ``KeyboardInterrupt``, since Python would not always end with the status of its own.

    Attributes
    ----------
    line : str
        What is said of it.
    status : int
        The program's exit status.
    """

    def __init__(self, label: str, number: int) -> None:
        self.line = f"{label}: {WORDS[signal.Signals(number)]}"
        self.status = 128 + number


@contextmanager
def handled(label: str) -> Iterator[None]:
    """Raise ``Stop`` on SIGINT and SIGTERM, and see that it is obeyed.

    After another signal, or ``GRACE_SECONDS``, the process ends as it is. Where it is killed, a
    line on standard error says so. Signals that its parent made it ignore stay ignored.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    stderr = os.dup(2)  # which may be redirected at the time
    with _witness(label) as witness:
        watch = threading.Thread(target=_watch, args=(reader, stderr, label, witness), daemon=True)
        watch.start()
        heeded = [number for number in WORDS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, partial(_stop, label)) for number in heeded}
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
    signal.signal(number, lambda *_: None)  # the next one is seen by _watch alone
    raise Stop(label, number)


def _watch(reader: int, stderr: int, label: str, witness: Shell) -> None:
    """End the process if it goes on after a signal, or gets another one."""
    number = os.read(reader, 1)
    if not number:
        return  # the program is done
    more, _, _ = select.select([reader], [], [], GRACE_SECONDS)
    if not more or os.read(reader, 1):
        _dismiss(witness)
        stop = Stop(label, number[0])
        with suppress(OSError):
            os.write(stderr, f"\n{stop.line}\n".encode())
        os._exit(stop.status)


@contextmanager
def _witness(label: str) -> Iterator[Shell]:
    """A shell that waits for a line from this process, and says so if it ends without one.

    It has a session of its own, so that what ends this process does not end it too.
    """
    command = ["/bin/sh", "-c", 'read -r line || echo "$1" >&2', "sh", f"{label}: {KILLED}"]
    with subprocess.Popen(  # noqa: S603 - the label is an argument, not code
        command, stdin=-1, stdout=subprocess.DEVNULL, bufsize=0, start_new_session=True
    ) as shell:
        try:
            yield shell
        finally:
            _dismiss(shell)


def _dismiss(witness: Shell) -> None:
    assert witness.stdin is not None
    with suppress(BrokenPipeError):
        witness.stdin.write(b"\n")
