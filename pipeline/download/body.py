"""Bodies: the bytes of a published file as they come from a source, and a source's faults."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NamedTuple

from pipeline.core.errors import SourceError

CHUNK = 1 << 16
"""The most bytes read at a time."""


class FetchError(SourceError):
    """A fault of a source, in a few words."""


class TransientError(FetchError):
    """A fault that may have passed by the next attempt."""

    attempts = 4
    """Attempts that end with this fault before the source is given up."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds to wait, if the source asked for a wait."""


class UnreachableError(TransientError):
    """A host that cannot be connected to, which its other files share."""

    attempts = 2


class Body(NamedTuple):
    """A file as it comes from a source; to be read within the context that yielded it."""

    chunks: Iterator[bytes]
    total: int | None = None
    """Bytes of the whole file, if known."""
    start: int = 0
    """Position in the file at which the chunks begin."""
    etag: str | None = None
    """Strong validator of this version of the file, if there is one."""
    html: bool = False
    """True if the source declares it to be a web page."""
    encoding: str = ""
    """Compression on the way, if the source declares one."""


class Protocol(NamedTuple):
    """A kind of source: the form of its URLs, and how they are opened."""

    pattern: str
    """Regular expression of a whole URL."""
    form: str
    """The form in words, for messages."""
    open: Callable[[str, int, str | None], AbstractContextManager[Body]]
    """Takes a URL, a position to begin at and the validator of the version that is wanted.

    A source that cannot begin in the middle begins at the start. FetchError is raised on entering
    the context or while the body is read.
    """


def open_file(path: Path) -> IO[bytes]:
    """Open a file; raises FetchError if it cannot be opened."""
    try:
        return path.open("rb")
    except OSError as error:
        raise FetchError(reason(error)) from None


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file's bytes; raises FetchError if it cannot be read."""
    try:
        while chunk := file.read(CHUNK):
            yield chunk
    except Exception as error:  # fsspec's file systems raise errors of any type
        raise FetchError(reason(error)) from None


def reason(error: Exception) -> str:
    """Return an error's message on one line."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
