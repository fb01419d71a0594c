"""Limits of memory and time, for what is read from strangers.

Most readers check a size before they allocate it. Some libraries cannot be asked beforehand: they
run within ``memory``, which makes their allocation fail, or in a process of its own by ``child``,
which also ends what runs without an end or crashes. Linux enforces both limits; macOS that of time
alone.
"""

import os
import re
import resource
import runpy
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

from pipeline.core.errors import DataError, is_out_of_memory

ROOT = Path(__file__).parents[2]
STATUS = Path("/proc/self/status")
EXTRA = 1 << 30
"""Bytes that reading one input may take beyond what the process holds."""
ADDRESSES = 2 << 30
"""Bytes of addresses of a child, most of which are the libraries'."""
SECONDS = 10
"""Of the processor, for a child; six times as many in all."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Environment of a child: a thread for each processor would take addresses for each."""
LAST_WORDS = 10_000
"""Bytes of what a child said last, which are kept."""


SMALL_IMAGE = 1 << 20
"""Pixels of an image up to which it is decoded at once."""
BYTES_A_PIXEL = 16
"""Of memory that a pixel takes while it is decoded, turned and scaled, at most."""
AT_ONCE = nullcontext()
"""The body of a small image, of which there are many: making a context for each takes time."""
IMAGES_PART = 4
"""Large images may together take the machine's memory, divided by this."""


class Room:
    """Room for the pixels of large images that several threads decode at once.

    Parameters
    ----------
    most : int
        Pixels that are decoded at once; an image that has more waits until it is alone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._changed = threading.Condition()

    def of(self, pixels: int) -> AbstractContextManager[None]:
        """Wait until there is room for an image of so many pixels, and keep it for the body."""
        return AT_ONCE if pixels <= SMALL_IMAGE else self._kept(pixels)

    @contextmanager
    def _kept(self, pixels: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= self._most)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()


ROOM = Room(
    os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // IMAGES_PART // BYTES_A_PIXEL
)
"""Of this process."""


class ChildError(Exception):
    """A child that crashed, or took more memory or time than it may."""

    said = ""
    """What it wrote to its standard error last, where that is kept."""


@contextmanager
def memory(place: object, extra: int = EXTRA) -> Iterator[None]:
    """Let the body allocate at most ``extra`` bytes beyond what this process holds already.

    The limit is the process's: it holds for all its threads, and a nested one can only be lower.

    Parameters
    ----------
    place : Path or str
        What is read, for the message.
    extra : int
        Bytes.

    Raises
    ------
    DataError
        If the body would need more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    held = _held()
    wanted = held + extra
    lower = held and (soft == resource.RLIM_INFINITY or wanted < soft)
    if lower:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        fault = f"{place}: reading it takes more than {extra / 1e9:,.1f} GB of memory"
        raise DataError(f"{fault}; it is damaged, or not meant to be read") from None
    finally:
        if lower:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def number(text: str) -> int | None:
    """Return a whole number from 0 in up to 18 plain digits; None if a text is anything else.

    Python's ``int`` also takes other scripts' digits and underscores, and fails on thousands.
    """
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def child(
    module: str,
    *arguments: str,
    stdin: IO[bytes] | None = None,
    seconds: int = SECONDS,
    addresses: int = ADDRESSES,
) -> bytes:
    """Run a module as a program in a process of its own, and return what it printed.

    Parameters
    ----------
    module : str
        Its name, such as ``pipeline.models.hdf5``.
    arguments : str
        Of the program.
    stdin : file, optional
        Which has a descriptor; by default nothing.
    seconds : int
        Of the processor; it may take six times as many in all.
    addresses : int
        Bytes.

    Raises
    ------
    ChildError
        If it crashes, or exits with a status other than 0, or takes more than it may.
    """
    try:
        done = subprocess.run(  # noqa: S603
            _command(module, arguments, seconds, addresses),
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            cwd=ROOT,
            env=os.environ | ONE_THREAD,
            timeout=6 * seconds,
        )
    except subprocess.TimeoutExpired:
        raise ChildError(f"took more than {6 * seconds} s") from None
    if done.returncode:
        raise ChildError(f"ended with status {done.returncode}")
    return done.stdout


@contextmanager
def streaming(
    module: str,
    *arguments: str,
    seconds: int = SECONDS,
    addresses: int = ADDRESSES,
) -> Iterator[IO[bytes]]:
    """Run a module as ``child`` does, and yield what it prints while it runs.

    It may wait for its reader as long as that likes: only its processor's time is limited. It is
    ended with the body, and read to its end by then if the body succeeds.

    Parameters
    ----------
    module, arguments, seconds, addresses
        See ``child``.

    Raises
    ------
    ChildError
        At the end of the body, as ``child``, with the last of what it said.
    """
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603
            _command(module, arguments, seconds, addresses),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            pipesize=1 << 20,
            cwd=ROOT,
            env=os.environ | ONE_THREAD,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        process.stdout.close()
        if process.wait():
            said.seek(max(0, said.seek(0, os.SEEK_END) - LAST_WORDS))
            error = ChildError(f"ended with status {process.returncode}")
            error.said = said.read().decode(errors="replace")
            raise error


def _command(module: str, arguments: Sequence[str], seconds: int, addresses: int) -> list[str]:
    return [sys.executable, "-m", __name__, str(seconds), str(addresses), module, *arguments]


def _held() -> int:
    """Return the bytes of data that this process holds; 0 where the system does not say."""
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData")), 0)


def _run() -> None:
    """Run the module that is named on the command line, within the limits named there."""
    seconds, addresses, module = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    wanted = {
        resource.RLIMIT_AS: addresses,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in wanted.items():
        with suppress(ValueError, OSError):  # where a lower limit holds already, or on macOS
            resource.setrlimit(kind, (limit, limit))
    sys.argv = [module, *sys.argv[4:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run()
