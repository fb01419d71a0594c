"""Answers of web servers, and what they send in a file's place."""

import io
import socket
from http.client import HTTPException
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import HTTPError

from pipeline.core.errors import PipelineError
from pipeline.download import body as bodies
from pipeline.download import bounds, http
from tests.fuzz.target import Target

MOST = 1 << 22
"""Bytes of a body; no answer of the fuzzer is as long."""
NAMES = ("a.gz", "a.csv", "a.json", "a.xml")


class _Socket:
    """A connection from which an answer is read, and that then is closed."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self._content))  # type: ignore[arg-type]

    def settimeout(self, _: float) -> None:
        pass


def read_answer(content: bytes, _: Path) -> None:
    """Read an answer to a request of a file from its byte 10 on."""
    try:
        answer = bounds.Response(_socket(content))
        answer.begin()
        raw = HTTPResponse(
            body=answer,
            headers=HTTPHeaderDict(answer.headers.items()),
            status=answer.status,
            preload_content=False,
            original_response=answer,  # type: ignore[arg-type]
        )
        request = requests.Request("GET", "http://host/a").prepare()
        response = HTTPAdapter().build_response(request, raw)
        http._is_elsewhere(response, 10, '"1"')
        http.status_fault(response)
        http._refuse_transfer(response)
        body = http._body(response, 10)
        assert sum(map(len, body.chunks)) < MOST
        body.has_more()
    except PipelineError:
        raise
    except HTTPException as error:  # urllib3 wraps it, where the head is read by it
        raise bodies.FetchError(bodies.reason(error)) from None
    except (requests.RequestException, HTTPError) as error:
        raise http.fault(error) from None


def _socket(content: bytes) -> socket.socket:
    return _Socket(content)  # type: ignore[return-value]


def read_beginning(content: bytes, _: Path) -> None:
    """Look at the beginning of a file of several names; what is taken comes whole."""
    for name in NAMES:
        pieces = iter([content[:3], content[3:]])
        try:
            taken = b"".join(bodies.checked(name, bodies.Body(pieces, encoding="gzip")))
        except bodies.FetchError:
            continue
        assert taken == content


def _answers(folder: Path) -> None:
    head = b'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 10-12/13\r\nETag: "1"\r\n'
    ok = b"HTTP/1.1 200 OK\r\n"
    for number, answer in enumerate(
        (
            head + b"Content-Length: 3\r\n\r\nabcd",
            ok + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" + ok + b"Last-Modified: a\r\n\r\nabc",
            b"HTTP/1.1 429 No\r\nRetry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n\r\n",
        )
    ):
        (folder / str(number)).write_bytes(answer)


def _beginnings(folder: Path) -> None:
    for number, beginning in enumerate(
        (
            b"\xef\xbb\xbf <!-- a --><!doctype html><html>",
            b"<?xml version='1.0'?><Error><Code>A</Code><Message>b</Message></Error>",
            b'{"error": {"message": "a"}, "code": 404}',
            b"\xff\xfe<\0h\0t\0m\0l\0>\0",
            b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
        )
    ):
        (folder / str(number)).write_bytes(beginning)


TARGETS = {
    "http": Target(read_answer, _answers),
    "beginnings": Target(read_beginning, _beginnings),
}
