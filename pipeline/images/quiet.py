"""What C libraries print: kept from the console, and noticed.

libjpeg, libpng and others have no other way to warn than a line on standard error, which would
stand beside the lines of this project. Python's own lines still reach the console.
"""

import ctypes
import os
import sys
import tempfile
import threading
from typing import TextIO

MOST = 1 << 20
"""Bytes that are kept."""
SEEK = ctypes.PyDLL(None).lseek
"""``os.lseek`` that keeps Python's lock: other threads would take it each time, for each image."""
SEEK.argtypes, SEEK.restype = (ctypes.c_int, ctypes.c_int64, ctypes.c_int), ctypes.c_int64


class _Libraries:
    """Standard error of the process while threads are in C libraries; see ``libraries``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.users = 0
        """Bodies that are being run."""
        self._number = -1
        """Descriptor of the file that takes what is printed, from the first use on."""
        self._console: TextIO | None = None
        """What Python prints to meanwhile; its descriptor is a copy of standard error."""
        self._before: TextIO | None = None
        """Python's stream, if it was replaced."""
        self._seen = threading.local()

    def __enter__(self) -> None:
        with self._lock:
            self.users += 1
            if self.users == 1:
                self._begin()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.users -= 1
            if not self.users:
                self._end()

    def may_have_spoken(self) -> bool:
        """Return True if one has printed since this thread's last call, in whichever thread."""
        now = SEEK(self._number, 0, os.SEEK_END)
        if now == getattr(self._seen, "length", 0):
            return False
        if now > MOST:
            os.ftruncate(self._number, 0)
        self._seen.length = now
        return True

    def _begin(self) -> None:
        if self._console is None:
            with tempfile.TemporaryFile() as file:
                self._number = os.dup(file.fileno())
            self._console = open(  # noqa: SIM115 - as long as the process lives
                os.dup(2), "w", buffering=1, errors="backslashreplace", closefd=False
            )
        sys.stderr.flush()
        os.dup2(2, self._console.fileno())
        if _number(sys.stderr) == 2:
            self._before, sys.stderr = sys.stderr, self._console
        os.dup2(self._number, 2)

    def _end(self) -> None:
        if self._console is None:
            return
        self._console.flush()
        os.dup2(self._console.fileno(), 2)
        if self._before is not None and sys.stderr is self._console:
            sys.stderr = self._before
        self._before = None


libraries = _Libraries()
"""Keeps the console free of what C libraries print, for all threads, while one is in its body.

What prints to Python's stream of before meanwhile, as a progress bar, prints nothing: a bar is made
within.
"""


def _number(stream: TextIO) -> int:
    """Return a stream's descriptor; -1 if it has none."""
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return -1
