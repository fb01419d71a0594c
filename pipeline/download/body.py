"""Bodies: a source's bytes as they come, and what can be wrong with a source."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from pipeline.core.errors import SourceError

CHUNK = 1 << 16
"""The most bytes read at a time."""


class FetchError(SourceError):
    """What is wrong with a source, in a few words."""


class TransientError(FetchError):
    """What another attempt may not meet."""

    attempts = 4
    """How often it may be met before the source is given up."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """The wait asked for, in s."""


class UnreachableError(TransientError):
    """No connection to the host, so none for its other files either."""

    attempts = 2


class Body(NamedTuple):
    """A file as it comes from a source; to be read within the context that gave it."""

    chunks: Iterator[bytes]
    total: int | None = None
    """Bytes of the whole file, if known."""
    start: int = 0
    """Where in the file the chunks begin."""
    etag: str | None = None
    """A strong validator of this version of the file, if there is one."""
    html: bool = False
    """Whether it is declared to be a web page."""
    encoding: str = ""
    """In what it is declared to be compressed on its way, if it is."""


def open_file(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise FetchError(reason(error)) from None


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK):
            yield chunk
    except Exception as error:  # as above; what the consumer raises does not pass here
        raise FetchError(reason(error)) from None


def reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
