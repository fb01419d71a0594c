"""Bodies: the bytes of a published file as they come from a source, and a source's faults."""

import codecs
import errno
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote, unquote

from pipeline.core import files
from pipeline.core.errors import DataError, SourceError, shown

CHUNK = 1 << 16
"""The most bytes read at a time."""

BEGINNING, DOCUMENT = 1 << 10, 1 << 16
"""Bytes by which the beginning of a file is judged, and a whole document in its place."""

BLANK = b" \t\r\n\f\v" + codecs.BOM_UTF8
PAGE = re.compile(
    r"<!--|(<\?xml[^>]*>\s*)?<(!doctype\s+html|html|head|body|script|meta|title|link|style)\b",
    re.IGNORECASE,
)
"""Beginning of a web page."""
XML = re.compile(r"<(\?xml|!DOCTYPE)\b")
ERROR = re.compile(r"\A(<\?xml[^>]*>\s*)?<(\w+:)?(Error|ErrorResponse)\b")
"""Beginning of an error of S3, Google's or Azure's storage."""
DOCUMENTS = (".html", ".htm", ".xhtml", ".xml", ".svg")
JSON = (".json", ".jsonl", ".ndjson", ".geojson")
TEXTS = (".csv", ".tsv", ".txt", ".parquet", *DOCUMENTS, *JSON)
"""Suffixes of files that are not compressed as a whole."""
FAULTS = ("error", "errors", "message", "detail", "error_description")
"""Keys of an error in JSON."""
COMPRESSED = "sent it compressed ({}), which was not asked for"
GZIP = b"\x1f\x8b\x08"


class FetchError(SourceError):
    """A fault of a source, in a few words."""


class TransientError(FetchError):
    """A fault that may have passed by the next attempt."""

    attempts = 4
    """Attempts in a row that add nothing and end with this fault until the source is given up."""

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
    has_more: Callable[[], bool] = lambda: False
    """Whether more bytes came than were declared; to be asked after the last chunk."""


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
    is_watched: bool = True
    """Whether it is given up when nothing comes for long. What is not looks at its files first, or
    has a watch of its own."""


def local_path(url: str) -> Path:
    """Return the path in a URL ``SCHEME:PATH`` or ``SCHEME:///PATH``, with any bytes in its names.

    Examples
    --------
    >>> local_path("file:a%20b.gz"), local_path("file:///data/a.gz")
    (PosixPath('a b.gz'), PosixPath('/data/a.gz'))
    """
    return Path(unquote(url.split(":", 1)[1].removeprefix("//"), errors="surrogateescape"))


def quoted(path: Path) -> str:
    """Return a path as a URL has it; the reverse of ``local_path``."""
    return quote(os.fsencode(path.as_posix()))


def open_file(path: Path) -> IO[bytes]:
    """Open a plain file; raises FetchError if there is none, or it cannot be opened."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():  # to open some devices does something
            raise FetchError("is no plain file, but a FIFO, a device or a socket")
        return files.open_regular(path)
    except (OSError, ValueError, DataError) as error:
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
    return shown(f"{type(error).__name__}: {' '.join(str(error).split())}", 300)


def checked(name: str, body: Body) -> Iterator[bytes]:
    """Yield a body's chunks from its start, unless they are something else than the file ``name``.

    Raises
    ------
    FetchError
        If it begins as a web page, an error in XML or JSON, a pointer of Git LFS, or compressed
        where its name is that of a text, or twice where a server declares to have done it.
    """
    head, chunks = b"", body.chunks
    for chunk in chunks:
        head += chunk
        if len(head) >= _needed(head):
            break
    if mistake := _mistake(name.lower(), head):
        raise FetchError(mistake)
    if body.encoding and _is_zipped_twice(head):
        raise FetchError(COMPRESSED.format(body.encoding))
    if head:
        yield head
    yield from chunks


def _needed(head: bytes) -> int:
    """Return the bytes by which a beginning can be judged."""
    text = head.lstrip(BLANK)
    if not text or text[:1] in b"{[":
        return DOCUMENT
    return len(head) - len(text) + BEGINNING


def _mistake(name: str, head: bytes) -> str:
    """Return what was sent instead of the file; empty if it may be the file."""
    if head.startswith(codecs.BOM_UTF16_LE) or head[:2] == b"<\0":
        text = head.decode("utf-16-le", "ignore")
    elif head.startswith(codecs.BOM_UTF16_BE):
        text = head.decode("utf-16-be", "ignore")
    else:
        text = head.decode("utf-8", "ignore")
    text = text.lstrip(" \t\r\n\f\v\ufeff")
    is_document = name.endswith(DOCUMENTS)
    if PAGE.match(text) and not is_document:
        return "sent a web page instead of the file"
    if ERROR.search(text[:2000]) or (XML.match(text) and not is_document):
        words = re.findall(r"<(?:Code|Message)>\s*([^<]+)", text[:DOCUMENT])[:2]
        return f"sent {_said('an error in XML' if words else 'XML', words)} instead of the file"
    if text.startswith("{") and (said := _json_error(text, name.endswith(JSON))) is not None:
        return f"sent {_said('an error in JSON' if said else 'JSON', said)} instead of the file"
    if text.startswith("version https://git-lfs.github.com/spec/"):
        return "sent a pointer of Git LFS instead of the file"
    if head.startswith(GZIP) and name.endswith(TEXTS):
        return COMPRESSED.format("gzip")
    return ""


def _is_zipped_twice(head: bytes) -> bool:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, len(GZIP)) == GZIP
    except zlib.error:
        return False


def _said(what: str, words: list[str]) -> str:
    return what + (f" ({shown(': '.join(words), 200)})" if words else "")


def _json_error(text: str, may_be_json: bool) -> list[str] | None:
    """Return what a JSON object says of an error; None if it is none, or may be the file."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    words = [str(value[key]) for key in ("code", *FAULTS) if value.get(key)]
    is_error = any(key in value for key in FAULTS) and len(value) <= 6
    return words if is_error else None if may_be_json else []
