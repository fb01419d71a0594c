import socket
import time
from email.utils import formatdate

import pytest

from pipeline import http
from tests.http_server import Reply, serve

DATA = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def server():
    with serve() as server:
        yield server


@pytest.fixture(autouse=True)
def _forget(server, monkeypatch):
    server.requests.clear()
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)


def read(url, start=0, etag=None):
    with http.get(url, start, etag) as body:
        return b"".join(body.chunks), body


def test_a_file_comes_with_its_length_and_validator(server):
    url = server.reply("/a", Reply(DATA, etag='"v1"'))
    content, body = read(url)
    assert content == DATA
    assert (body.total, body.start, body.etag, body.html) == (len(DATA), 0, '"v1"', False)
    assert server.asked("Accept-Encoding") == ["identity"]


def test_the_rest_of_a_file_comes_from_where_the_range_begins(server):
    url = server.reply("/a", Reply(DATA, etag='"v1"'))
    content, body = read(url, 1000, '"v1"')
    assert content == DATA[1000:]
    assert (body.total, body.start) == (len(DATA), 1000)
    assert (server.asked("Range"), server.asked("If-Range")) == (["bytes=1000-"], ['"v1"'])


@pytest.mark.parametrize(
    ("reply", "start", "requests"),
    [
        (Reply(DATA, ranges=False), 1000, 1),
        (Reply(DATA, etag='"v2"'), 1000, 1),
        (Reply(DATA), len(DATA), 2),
        (Reply(DATA, 206, {"Content-Range": "bytes 7-9/10"}), 1000, 2),
    ],
    ids=["no ranges", "another version", "nothing left", "another range"],
)
def test_the_whole_file_comes_where_the_rest_cannot(server, reply, start, requests):
    whole = Reply(DATA) if reply.status == 206 else reply
    content, body = read(server.reply("/a", reply, whole), start, '"v1"' if reply.etag else None)
    assert content == DATA
    assert body.start == 0
    assert len(server.requests) == requests


def test_a_weak_validator_is_none(server):
    assert read(server.reply("/a", Reply(DATA, etag='W/"v1"')))[1].etag is None


def test_a_gzip_file_stays_one_whatever_the_encoding_is_said_to_be(server):
    url = server.reply("/a.gz", Reply(b"\x1f\x8b...", headers={"Content-Encoding": "gzip"}))
    assert read(url)[0] == b"\x1f\x8b..."


def test_a_web_page_is_told(server):
    url = server.reply("/a", Reply(b"hi", headers={"Content-Type": "text/html; charset=utf-8"}))
    assert read(url)[1].html


def test_a_redirect_is_followed(server):
    server.reply("/b", Reply(DATA))
    assert read(server.reply("/a", Reply(status=302, headers={"Location": "/b"})))[0] == DATA


@pytest.mark.parametrize(
    ("reply", "message", "is_transient"),
    [
        (Reply(status=404), "404 Not Found", False),
        (Reply(status=403), "403 Forbidden", False),
        (Reply(status=799), "799", False),
        (Reply(status=500), "500 Internal Server Error", True),
        (Reply(status=302, headers={"Location": "/a"}), "redirects in circles", False),
        (Reply(DATA, sent=0, stalls=True), "nothing came for 0.2 s", True),
        (Reply(DATA, sent=100_000, stalls=True), "nothing came for 0.2 s", True),
        (
            Reply(b"5\r\nab", headers={"Transfer-Encoding": "chunked", "Content-Length": ""}),
            r"the connection broke \(.*\)",
            True,
        ),
    ],
)
def test_a_fault_is_named(server, reply, message, is_transient):
    with pytest.raises(http.FetchError, match=f"^{message}$") as caught:
        read(server.reply("/a", reply))
    assert isinstance(caught.value, http.TransientError) == is_transient


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_asked_for_is_kept(server, status):
    date = formatdate(time.time() + 20, usegmt=True)
    for value, low, high in (("7", 7, 7), (date, 15, 20), ("soon", None, None)):
        with pytest.raises(http.TransientError) as caught:
            read(server.reply("/a", Reply(status=status, headers={"Retry-After": value})))
        wait = caught.value.retry_after
        assert wait is None if low is None else low <= wait <= high


def test_a_host_that_asks_for_too_long_a_wait_is_given_up(server):
    with pytest.raises(http.FetchError, match=r"^429 .*, try again in 3,600 s$") as caught:
        read(server.reply("/a", Reply(status=429, headers={"Retry-After": "3600"})))
    assert not isinstance(caught.value, http.TransientError)


def test_a_host_that_is_not_there(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(http.UnreachableError, match="refuses connections"):
        read(f"http://127.0.0.1:{port}/a")
    with pytest.raises(http.UnreachableError, match="name is not found"):
        read("http://host.invalid/a")
    monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@127.0.0.1:{port}")
    with pytest.raises(http.UnreachableError, match=r"^the proxy cannot be reached"):
        read("http://host.invalid/a")


def test_a_host_that_does_not_speak_tls(server):
    with pytest.raises(http.FetchError, match="certificate or encryption"):
        read(server.url.replace("http:", "https:") + "/a")
