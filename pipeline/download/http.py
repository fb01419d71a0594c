"""The protocols ``https:`` and ``http:``: a file from its start, or from where a partial one ends.

``fetch`` makes the attempts, not urllib3's ``Retry``: each asks for what is missing after the one
before, which may have ended in the middle of a body, and other protocols need attempts too. How
long all of them may take is a matter of ``bounds``.
"""

import functools
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import exceptions

from pipeline.core import limits
from pipeline.core.errors import shown
from pipeline.download.body import (
    CHUNK,
    Body,
    FetchError,
    Protocol,
    TransientError,
    UnreachableError,
)
from pipeline.download.bounds import SLOWEST, Response

CONNECT_SECONDS = 10.0
"""Time after which a host that has not answered is given up."""

READ_SECONDS = 12.0
"""Time after which a connection is given up if nothing, or less than at ``SLOWEST``, has come."""

MOST_REDIRECTS = 10

LONGEST_WAIT = 60.0
"""The longest wait, in s, that a host may ask for without being given up."""

AS_IT_IS = {"", "identity", "aws-chunked", "binary", "none"}
"""Encodings on the way that stand for none; ``aws-chunked`` is what some programs leave at S3."""

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
"""Statuses that may have passed by the next attempt."""


@contextmanager
def get(url: str, start: int = 0, etag: str | None = None) -> Iterator[Body]:
    """Request a file and yield its body.

    Parameters
    ----------
    url : str
        With the scheme http or https.
    start : int
        Position to begin at; ``Body.start`` is where the answer begins.
    etag : str, optional
        Validator of the version that is wanted; of another one the whole file comes.

    Raises
    ------
    FetchError
        If the file cannot be had, here or while the body is read.
    """
    try:
        with _Session() as session:
            response = _request(session, url, start, etag)
            if start and _is_elsewhere(response, start, etag):
                response.close()
                start = 0
                response = _request(session, url)
            with response:
                part = response.status_code == HTTPStatus.PARTIAL_CONTENT
                if response.status_code != HTTPStatus.OK and not (part and start):
                    raise status_fault(response)
                _refuse_transfer(response)
                yield _body(response, start)
    except (requests.RequestException, exceptions.HTTPError) as error:
        raise fault(error) from None


def get_from_webdav(
    url: str, start: int = 0, etag: str | None = None
) -> AbstractContextManager[Body]:
    """Request a file from a WebDAV server, as ``get`` does from any."""
    return get(url.replace("webdav", "http", 1), start, etag)


def fault(error: Exception) -> FetchError:
    """Return the fault that an error of requests or urllib3 stands for."""
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
            return TransientError(f"the connection broke ({_words(cause.args[-1])})")
        case ssl.SSLError():
            reason = getattr(cause, "verify_message", "") or cause.reason
            return FetchError(f"its certificate or encryption is not accepted ({reason})")
        case _:
            return FetchError(f"{type(cause).__name__}: {_words(cause)}")


def status_fault(response: requests.Response) -> FetchError:
    """Return the fault that a status other than success stands for."""
    code = response.status_code
    known = code in HTTPStatus._value2member_map_
    text = f"{code} {HTTPStatus(code).phrase}" if known else str(code)
    if code not in TRANSIENT:
        return FetchError(text)
    wait = _seconds(response.headers.get("Retry-After", ""))
    if wait is not None and wait > LONGEST_WAIT:
        return FetchError(f"{text}, try again in {wait:,.0f} s")
    return TransientError(text, wait)


class _Adapter(HTTPAdapter):
    """An adapter whose answers are read within limits."""

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> Any:
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        pool.ConnectionCls = _limited(pool.ConnectionCls)
        return pool


@functools.cache
def _limited(connection: type[Any]) -> type[Any]:
    return type(connection.__name__, (connection,), {"response_class": Response})


class _Session(requests.Session):
    """A session that follows redirects to web servers only, without reading their bodies."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = MOST_REDIRECTS
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is not None:
            resp.close()  # requests would read it whole, and it may have no end
            scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", target)
            if scheme and scheme[1].lower() not in ("http", "https"):
                raise FetchError(f"redirects to {target}, which is no web server")
        return target


def _request(
    session: requests.Session, url: str, start: int = 0, etag: str | None = None
) -> requests.Response:
    # Closed after its answer, a connection shows whether more came than was declared.
    headers = {"Accept-Encoding": "identity", "Connection": "close"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if etag:
            headers["If-Range"] = etag
    timeout = (CONNECT_SECONDS, READ_SECONDS)
    try:
        return session.get(url, headers=headers, stream=True, timeout=timeout)
    except ValueError as error:  # from parsing a URL, also a redirect's or proxy's, or headers
        raise FetchError(f"an address or header is malformed ({_words(error)})") from None


def _is_elsewhere(response: requests.Response, start: int, etag: str | None) -> bool:
    """Return whether an answer is another range or version than asked for, or none."""
    headers = response.headers
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        is_there = _is_range(headers, start)
        return not is_there or bool(etag and (_validator(headers) or etag) != etag)
    return response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def _is_range(headers: Mapping[str, str], start: int) -> bool:
    """Return whether the headers declare a range from ``start`` on, without contradictions."""
    match = re.fullmatch(
        r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", headers.get("Content-Range", "")
    )
    if match is None or int(match[1]) != start:
        return False
    end, length = int(match[2]) + 1, limits.number(headers.get("Content-Length", ""))
    is_within = match[3] == "*" or end <= int(match[3])
    return end > start and is_within and length in (None, end - start)


def _validator(headers: Mapping[str, str]) -> str | None:
    """Return what tells one version of a file from others: a strong ETag, or a date."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified")


def _refuse_transfer(response: requests.Response) -> None:
    """Refuse a transfer that http.client would take for the file's bytes."""
    transfer = response.headers.get("Transfer-Encoding", "").strip().lower()
    if transfer not in ("", "identity", "chunked"):
        raise FetchError(
            f"sent it encoded on the way ({_words(transfer)}), which was not asked for"
        )


def _body(response: requests.Response, start: int) -> Body:
    headers = response.headers
    if response.status_code == HTTPStatus.OK:
        start = 0
    # The reader checks the length, for it knows that of the file.
    response.raw.enforce_content_length = False
    length = limits.number(headers.get("Content-Length", ""))
    whole = limits.number(headers.get("Content-Range", "").rpartition("/")[2])
    encoding = headers.get("Content-Encoding", "").strip().lower()
    return Body(
        chunks=_chunks(response),
        total=whole if start and whole else None if length is None else start + length,
        start=start,
        etag=_validator(headers),
        html=headers.get("Content-Type", "").lower().startswith("text/html"),
        encoding="" if encoding in AS_IT_IS else _words(encoding),
        has_more=lambda: getattr(response.raw._original_response, "has_more", False),
    )


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body's bytes as they come, so that none is lost where the connection stalls.

    They are not decoded: a .gz is the published file, even if a server declares an encoding gzip.
    """
    came, waited = 0, 0.0
    while True:
        started = time.monotonic()
        chunk = response.raw.read1(CHUNK, decode_content=False)
        waited += time.monotonic() - started
        if not chunk:
            return
        came += len(chunk)
        yield chunk
        if waited >= READ_SECONDS:
            if came < SLOWEST * waited:
                raise TransientError(f"only {came:,} bytes came within {waited:.1f} s")
            came, waited = 0, 0.0


def _words(reason: object) -> str:
    """Return a reason on one line, shortened, for it may quote the server."""
    return shown(" ".join(str(reason).split()), 200)


def _seconds(retry_after: str) -> float | None:
    """Return the seconds from now of a ``Retry-After`` header, which is a number or a date."""
    if (seconds := limits.number(retry_after)) is not None:
        return float(seconds)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _cause(error: BaseException) -> BaseException:
    """Return the innermost of the errors that requests and urllib3 wrap in one another."""
    inner = getattr(error, "reason", None)
    if not isinstance(inner, BaseException):
        inner = error.args[0] if error.args else None
    return _cause(inner) if isinstance(inner, BaseException) else error


HTTPS = Protocol(r"https://[^/]+/.+", "https://HOST/PATH", get)
HTTP = Protocol(r"http://[^/]+/.+", "http://HOST/PATH", get)
WEBDAVS = Protocol(r"webdavs://[^/]+/.+", "webdavs://HOST/PATH", get_from_webdav)
WEBDAV = Protocol(r"webdav://[^/]+/.+", "webdav://HOST/PATH", get_from_webdav)
