"""HTTP: a published file as a stream of its bytes, from the start or from where a partial one ends.

What goes wrong becomes a ``FetchError``: a few words on what is wrong with a source. A
``TransientError`` is worth another attempt. Other kinds of sources raise the same errors.
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NamedTuple

import requests
from urllib3 import exceptions

from pipeline.errors import SourceError

CONNECT_SECONDS = 10.0
"""Give up on a host that has not answered after this time."""
READ_SECONDS = 30.0
"""Give up on a connection through which nothing has come for this time."""
LONGEST_WAIT = 60.0
"""Give up on a host that asks to wait for longer than this, in s."""
CHUNK = 1 << 16
"""Bytes read at a time; when a connection stalls, less than this is lost."""

PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Statuses that another attempt may not meet."""


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


@contextmanager
def get(url: str, start: int = 0, etag: str | None = None) -> Iterator[Body]:
    """Request a file.

    Parameters
    ----------
    url : str
        Of scheme http or https.
    start : int
        Ask for the bytes from here on; the body says from where they are.
    etag : str, optional
        Ask for them only of this version of the file, else for the whole file.

    Raises
    ------
    FetchError
        If the file cannot be had, here or while the body is read.
    """
    try:
        with requests.Session() as session:
            response = _request(session, url, start, etag)
            if start and _is_elsewhere(response, start):
                response.close()
                start = 0
                response = _request(session, url)
            with response:
                if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                    raise status_fault(response)
                yield _body(response, start)
    except (requests.RequestException, exceptions.HTTPError) as error:
        raise fault(error) from None


def fault(error: Exception) -> FetchError:
    """What an error of requests or urllib3 means."""
    if isinstance(error, requests.TooManyRedirects):
        return FetchError("redirects in circles")
    if isinstance(error, requests.exceptions.ProxyError):
        return UnreachableError("the proxy cannot be reached (see HTTP_PROXY and HTTPS_PROXY)")
    if isinstance(error, requests.RequestException) and error.response is not None:
        return status_fault(error.response)
    match cause := _cause(error):
        case exceptions.NameResolutionError():
            return UnreachableError("its host's name is not found (is there a network?)")
        case exceptions.NewConnectionError():
            return UnreachableError("its host refuses connections or is out of reach")
        case exceptions.ConnectTimeoutError():
            return UnreachableError(f"its host did not answer within {CONNECT_SECONDS:g} s")
        case exceptions.ReadTimeoutError():
            return TransientError(f"nothing came for {READ_SECONDS:g} s")
        case exceptions.ProtocolError():
            return TransientError(f"the connection broke ({cause.args[-1]})")
        case ssl.SSLError():
            return FetchError(f"its certificate or encryption is not accepted ({cause.reason})")
        case _:
            return FetchError(f"{type(cause).__name__}: {cause}")


def status_fault(response: requests.Response) -> FetchError:
    """What a status other than success means."""
    code = response.status_code
    known = code in HTTPStatus._value2member_map_
    text = f"{code} {HTTPStatus(code).phrase}" if known else str(code)
    if code not in PASSING:
        return FetchError(text)
    wait = _seconds(response.headers.get("Retry-After", ""))
    if wait is not None and wait > LONGEST_WAIT:
        return FetchError(f"{text}, try again in {wait:,.0f} s")
    return TransientError(text, wait)


def _request(
    session: requests.Session, url: str, start: int = 0, etag: str | None = None
) -> requests.Response:
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if etag:
            headers["If-Range"] = etag
    timeout = (CONNECT_SECONDS, READ_SECONDS)
    return session.get(url, headers=headers, stream=True, timeout=timeout)


def _is_elsewhere(response: requests.Response, start: int) -> bool:
    """Whether the answer to a range is another range, or that there is none."""
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        return not response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    return response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def _body(response: requests.Response, start: int) -> Body:
    if response.status_code == HTTPStatus.OK:
        start = 0
    # Whether all has come is seen by the reader, who knows how long the file is.
    response.raw.enforce_content_length = False
    length = response.headers.get("Content-Length", "")
    etag = response.headers.get("ETag", "")
    return Body(
        # Undecoded: a .gz is the published file, even if a server calls the gzip its encoding.
        chunks=response.raw.stream(CHUNK, decode_content=False),
        total=start + int(length) if length.isdecimal() else None,
        start=start,
        etag=etag if etag.startswith('"') else None,
        html=response.headers.get("Content-Type", "").lower().startswith("text/html"),
    )


def _seconds(retry_after: str) -> float | None:
    """A ``Retry-After`` header, which is a number of seconds or a date, in seconds from now."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def _cause(error: BaseException) -> BaseException:
    """The innermost of the errors that requests and urllib3 wrap in one another."""
    inner = getattr(error, "reason", None)
    if not isinstance(inner, BaseException):
        inner = error.args[0] if error.args else None
    return _cause(inner) if isinstance(inner, BaseException) else error
