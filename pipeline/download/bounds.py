"""Bounds of what a source may take: the time that it stands still, and the bytes of its headers.

Libraries limit the wait for the next byte, not that for a header's end or for the end of headers.
A timer of the operating system therefore interrupts whatever a source makes this program wait in.
``http.client`` limits a line and the number of headers, but not the number of interim answers
(``100 Continue``) or of trailers, and stops reading where it was told that the body ends.
"""

import http.client
import io
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.download.body import UnreachableError

SECONDS = 20.0
"""Time within which a source has to bring ``SLOWEST * SECONDS`` bytes."""

SLOWEST = 1000.0
"""Bytes/s."""

AGAIN = 1.0
"""Time, in s, after which an interruption is tried again that a library did not heed."""

LONGEST_HEAD = 1 << 20
"""Bytes of lines: headers, trailers, lengths of pieces."""

LINES = 16
"""Bytes of lines that each byte of a body may bring beyond that."""

GRACE_SECONDS = 0.3
"""Time for a server to close a connection, or to send more than it declared."""


class _Expired(BaseException):
    """The end of patience; no ``Exception``, which a library might take for a fault of its own."""


class Watch:
    """A watch over one source, from its first attempt to its last.

    Parameters
    ----------
    measure : callable, optional
        Returns the bytes that came so far, where nobody calls ``came``.
    """

    def __init__(self, measure: Callable[[], int] | None = None) -> None:
        self._measure = measure
        self._measured = measure() if measure else 0
        self._is_armed = False
        self._spent = 0.0
        self.restart()

    def restart(self) -> None:
        """Begin anew, as after other work than the source's."""
        self._since = time.monotonic()
        self._came = 0

    @property
    def left(self) -> float:
        """Seconds until the source is given up, if nothing comes."""
        return self._since + SECONDS - self._spent - time.monotonic()

    def failed(self, *, has_advanced: bool) -> None:
        """Take the time at an attempt's end, in which it stood still, from that of the others.

        Bytes that had come before are no progress, so that all attempts that bring nothing new
        share one time.
        """
        spent = 0.0 if has_advanced else self._spent
        self._spent = spent + time.monotonic() - self._since
        self.restart()

    def came(self, count: int) -> None:
        """Count bytes that came; raises UnreachableError if they are too few for the time."""
        self._came += count
        if self.left <= 0:
            raise self._fault()
        if self._came >= SLOWEST * SECONDS:
            self.restart()

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Interrupt the body once the time is over; in the main thread only, as signals are.

        Raises
        ------
        UnreachableError
            If the source has stood still too long.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        started = time.monotonic()
        handler = signal.signal(signal.SIGALRM, self._ring)
        self._is_armed = True
        outer, _ = signal.setitimer(signal.ITIMER_REAL, max(self.left, 0.001), AGAIN)
        try:
            yield
        except _Expired:
            raise self._fault() from None
        finally:
            self._is_armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
            if outer:  # that of a program around this one
                passed = time.monotonic() - started
                signal.setitimer(signal.ITIMER_REAL, max(outer - passed, 0.001))

    def _ring(self, *_: Any) -> None:
        if self._measure:
            now = self._measure()
            self._came += now - self._measured
            self._measured = now
            if self._came >= SLOWEST * SECONDS:
                self.restart()
        if not self._is_armed:
            return
        if self.left <= 0:
            raise _Expired
        signal.setitimer(signal.ITIMER_REAL, self.left, AGAIN)

    def _fault(self) -> UnreachableError:
        if self._spent:
            return UnreachableError(f"stood still for {SECONDS:g} s in several attempts")
        what = f"only {self._came:,} bytes came within" if self._came else "nothing came for"
        return UnreachableError(f"{what} {SECONDS:g} s")


class _Lines(io.BufferedReader):
    """A reader of a connection that refuses lines without an end."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self._lines = 0
        self.came = 0
        """Bytes of the body that were read."""

    def readline(self, size: int | None = -1) -> bytes:
        left = LONGEST_HEAD + LINES * self.came + 1 - self._lines
        line = super().readline(left if size is None or size < 0 else min(size, left))
        self._lines += len(line)
        if len(line) == left:
            raise http.client.HTTPException(f"{self._lines:,} bytes of headers")
        return line

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(super().read1(size))

    def _counted(self, content: bytes) -> bytes:
        self.came += len(content)
        return content


class Response(http.client.HTTPResponse):
    """An answer that knows whether more came than was declared."""

    has_more = False

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._socket = sock
        self._lines = self.fp = _Lines(self.fp.detach())

    def _close_conn(self) -> None:
        if self.length == 0 and self._lines.came and not self.chunked:
            self.has_more = self._is_followed()
        super()._close_conn()  # type: ignore[misc]

    def _is_followed(self) -> bool:
        try:
            self._socket.settimeout(GRACE_SECONDS)
            return bool(self._lines.peek(1))
        except (OSError, ValueError):
            return False
