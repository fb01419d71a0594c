import socket
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import redact
from pipeline.download import http
from pipeline.download.body import FetchError, TransientError, UnreachableError
from tests.support.http_server import Reply, serve

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
        (Reply(DATA, headers={"Content-Range": "bytes 7-9/10"}), 1000, 2),
        (Reply(DATA, headers={"Content-Range": "none"}), 1000, 2),
        (Reply(DATA, etag='"v2"', heeds_etag=False), 1000, 2),
    ],
    ids=[
        "no ranges",
        "another version",
        "nothing left",
        "another range",
        "no range said",
        "another version's range",
    ],
)
def test_the_whole_file_comes_where_the_rest_cannot(server, reply, start, requests):
    whole = Reply(DATA) if "Content-Range" in reply.headers else reply
    content, body = read(server.reply("/a", reply, whole), start, '"v1"' if reply.etag else None)
    assert content == DATA
    assert body.start == 0
    assert len(server.requests) == requests


def test_a_weak_validator_is_none(server):
    assert read(server.reply("/a", Reply(DATA, etag='W/"v1"')))[1].etag is None


def test_a_date_is_a_validator_where_there_is_no_other(server):
    dated = {"Last-Modified": formatdate(0, usegmt=True)}
    url = server.reply("/a", Reply(DATA, etag='W/"1"', headers=dated, heeds_etag=False))
    validator = read(url)[1].etag
    assert validator == dated["Last-Modified"]
    assert read(url, 1000, validator)[1].start == 1000
    assert server.asked("If-Range") == [None, validator]
    assert read(url, 1000, formatdate(1, usegmt=True))[1].start == 0


def test_a_gzip_file_stays_one_whatever_the_encoding_is_said_to_be(server):
    url = server.reply("/a.gz", Reply(b"\x1f\x8b...", headers={"Content-Encoding": "gzip"}))
    assert read(url)[0] == b"\x1f\x8b..."


def test_a_part_says_how_long_the_whole_is(server):
    part = Reply(DATA, headers={"Content-Range": "bytes 1000-1999/9000", "Content-Length": "1000"})
    assert read(server.reply("/a", part), 1000)[1].total == 9000


@pytest.mark.parametrize("length", ["9" * 5000, "-5", "five", "5, 5"])
def test_a_length_that_is_none_is_unknown(server, length):
    url = server.reply("/a", Reply(DATA, headers={"Content-Length": length}))
    content, body = read(url)
    assert (content, body.total) == (DATA, None)


def test_a_body_ends_where_it_was_declared_to(server):
    assert (
        read(server.reply("/a", Reply(DATA, headers={"Content-Length": "1000"})))[0] == DATA[:1000]
    )


def test_what_has_come_before_a_stall_is_had(server):
    came = []
    url = server.reply("/a", Reply(DATA, sent=100_001, stalls=True))
    with pytest.raises(TransientError), http.get(url) as body:
        came.extend(body.chunks)
    assert b"".join(came) == DATA[:100_001]


def test_a_web_page_is_reported(server):
    url = server.reply("/a", Reply(b"hi", headers={"Content-Type": "text/html; charset=utf-8"}))
    assert read(url)[1].html


@pytest.mark.parametrize("endless", [False, True])
def test_a_redirect_is_followed_whatever_comes_with_it(server, endless):
    server.reply("/b", Reply(DATA))
    body = Reply(b"moved" * 1000, 302, {"Location": "/b", "Content-Length": ""}, endless=endless)
    assert read(server.reply("/a", body))[0] == DATA


def redirect(location):
    return Reply(status=302, headers={"Location": location})


@pytest.mark.parametrize(
    ("reply", "message", "is_transient"),
    [
        (Reply(status=404), "404 Not Found", False),
        (Reply(status=403), "403 Forbidden", False),
        (Reply(status=799), "799", False),
        (Reply(status=500), "500 Internal Server Error", True),
        (Reply(DATA, 206, {"Content-Range": "bytes 0-9/9"}), "206 Partial Content", False),
        (redirect("/a"), "redirects in circles", False),
        (redirect("file:///etc/passwd"), "redirects to file:///etc/passwd, which is no .*", False),
        (redirect("FTP://host/a"), "redirects to FTP://host/a, which is no web server", False),
        (redirect("http://[::1"), "an address or header is malformed .*", False),
        (redirect(f"http://{'a' * 70}.com/"), "an address .* label empty or too long.", False),
        (redirect("http://127.0.0.1:99999/"), "an address .*Port out of range.*", False),
        (Reply(DATA, sent=0, stalls=True), "nothing came for 0.2 s", True),
        (Reply(DATA, sent=100_000, stalls=True), "nothing came for 0.2 s", True),
        (
            Reply(b"5\r\nab", headers={"Transfer-Encoding": "chunked", "Content-Length": ""}),
            r"the connection broke \(.*\)",
            True,
        ),
        (Reply(DATA, sent=100_000, resets=True), r"the connection broke \(.*reset by peer\)", True),
        (Reply(DATA, drips=0.02), r"only \d+ bytes came within 0.\d s", True),
        (Reply(raw=b"\0\1\2\r\n\r\n"), r"the connection broke \(.*\)", True),
        (Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101), "the connection broke .*", True),
        (Reply(raw=b"HTTP/1.1 200 " + b"a" * 70_000), "the connection broke .*", True),
        (
            Reply(b"9" * 70_000, headers={"Transfer-Encoding": "chunked", "Content-Length": ""}),
            "the connection broke .*",
            True,
        ),
    ],
)
def test_a_fault_is_named(server, reply, message, is_transient):
    with pytest.raises(FetchError, match=f"^{message}$") as caught:
        read(server.reply("/a", reply))
    assert isinstance(caught.value, TransientError) == is_transient


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_asked_for_is_kept(server, status):
    date = formatdate(time.time() + 20, usegmt=True)
    none = "soon", "-7", "1e3", "9" * 5000, f"{date[:-3]}+{'9' * 30}"
    waits = [("7", 7, 7), (date, 15, 20), *((value, None, None) for value in none)]
    for value, low, high in waits:
        with pytest.raises(TransientError) as caught:
            read(server.reply("/a", Reply(status=status, headers={"Retry-After": value})))
        wait = caught.value.retry_after
        assert wait is None if low is None else low <= wait <= high


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("3600", "3,600"),
        ("9" * 18, "1,000,000,000,000,000,000"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "25.*"),
    ],
)
def test_a_host_that_asks_for_too_long_a_wait_is_given_up(server, value, wait):
    with pytest.raises(FetchError, match=rf"^429 .*, try again in {wait} s$") as caught:
        read(server.reply("/a", Reply(status=429, headers={"Retry-After": value})))
    assert not isinstance(caught.value, TransientError)


@given(st.text(st.characters(max_codepoint=255)) | st.from_regex(r"\w{3}, \d+ Jan \d+ .*"))
def test_any_wait_asked_for_is_understood_or_none(value):
    wait = http._seconds(value)
    assert wait is None or wait >= 0


def test_a_host_that_is_not_there(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(UnreachableError, match="refuses connections"):
        read(f"http://127.0.0.1:{port}/a")
    with pytest.raises(UnreachableError, match="name is not found"):
        read("http://host.invalid/a")
    monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@127.0.0.1:{port}")
    with pytest.raises(UnreachableError, match=r"^the proxy cannot be reached"):
        read("http://host.invalid/a")


@pytest.mark.parametrize("proxy", ["http://me:secret@host:port", "socks5://me:secret@a"])
def test_a_proxy_that_is_none(monkeypatch, proxy):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(FetchError) as caught:
        read("http://host.invalid/a")
    assert "\n" not in str(caught.value)
    assert "secret" not in redact(str(caught.value))


def test_a_host_that_does_not_speak_tls(server):
    with pytest.raises(FetchError, match="certificate or encryption"):
        read(server.url.replace("http:", "https:") + "/a")


def test_a_self_signed_certificate(tmp_path, monkeypatch):
    with serve() as server:
        server.use_tls(tmp_path)
        url = server.reply("/a", Reply(DATA))
        message = r"^its certificate or encryption is not accepted \(self-signed certificate\)$"
        with pytest.raises(FetchError, match=message) as caught:
            read(url)
        assert not isinstance(caught.value, TransientError)
        assert server.requests == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "server.pem"))
        assert read(url)[0] == DATA
