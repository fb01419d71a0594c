"""Sources that never end, stand still, drop, or send something else than the file."""

import gzip
import hashlib
import json
import os
import re
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.core.errors import SourceError
from pipeline.download import attempts, bounds, http
from pipeline.download.fetch import download
from pipeline.download.params import DownloadParams, PublishedFile
from tests.support.http_server import Reply

DATA = os.urandom(200_000)
PIN = {"bytes": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest()}
UNDECLARED = {"Content-Length": ""}
FOLDER = Path("data/raw/cats")
PARTIAL = Path("data/raw/cats.incomplete/a.gz.incomplete")
BOM = b"\xef\xbb\xbf"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATA_MIRROR", raising=False)
    monkeypatch.setattr(attempts, "BACKOFF_SECONDS", 0.001)


@pytest.fixture
def _impatient(monkeypatch):
    """Give up what stands still at once; what should come might be given up too, if it is slow."""
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    monkeypatch.setattr(bounds, "SECONDS", 0.5)


def get(*sources, name="a.gz", max_bytes=None, **pin):
    file = PublishedFile(name=name, sources=sources, **pin)
    return download("cats", DownloadParams(files=(file,), max_bytes=max_bytes), FOLDER)


def refuse(reason, *sources, **options):
    """Expect an error of one line about the one source, no output, and return the line."""
    started = time.monotonic()
    with pytest.raises(SourceError) as caught:
        get(*sources, **options)
    assert time.monotonic() - started < 15  # far below what is given outside of tests
    line = str(caught.value)
    assert re.search(rf": {reason}(; run this again|\. Mend)", line), line
    assert "\n" not in line
    assert not FOLDER.exists()
    return line


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (
            Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n", endless=True),
            "the connection broke .*|nothing came .*|stood still for .*",
        ),
        (
            Reply(raw=b"HTTP/1.1 200 OK\r\n", tail=b"a: b\r\n"),
            "the connection broke .*100 headers.*",
        ),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nA: " + b"b" * 500, drips=0.05), "nothing came for 0.5 s"),
        (Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 50, drips=0.05), "nothing came for 0.5 s"),
        (Reply(raw=CHUNKED + b"1\r\na\r\n0\r\n", tail=b"a: b\r\n"), ".*"),
        (Reply(raw=CHUNKED + b"1\r\na\r\n0\r\n" + b"a: b\r\n" * 50, drips=0.05), ".* 0.. s"),
        (Reply(raw=CHUNKED, tail=b"1" * 10_000), "the connection broke .*"),
        (
            Reply(raw=CHUNKED, tail=b"1;" + b"x" * 9000 + b"\r\na\r\n"),
            "the connection broke .*bytes of headers.*",
        ),
        (Reply(raw=b"HTTP/1.1 301 Moved\r\nLocation: /a.gz\r\n\r\n"), "redirects in circles"),
        (Reply(status=302, headers={"Location": "/a.gz"}, drips=0.2), "redirects in circles"),
        (Reply(DATA, drips=0.02), r"(only \d+ bytes came within|stood still for) 0.\d s.*"),
    ],
    ids=[
        "endless 100 Continue",
        "endless headers",
        "a header byte by byte",
        "100 Continue byte by byte",
        "endless trailers",
        "trailers byte by byte",
        "a length without an end",
        "more lengths than bytes",
        "a redirect to itself",
        "a redirect without a body to itself",
        "a trickle",
    ],
)
def test_a_source_without_an_end_is_given_up(server, reply, reason):
    refuse(reason, server.reply("/a.gz", reply))


def test_a_pin_is_no_licence_for_trailers_without_an_end(server):
    url = server.reply("/a.gz", Reply(raw=CHUNKED + b"1\r\na\r\n0\r\n", tail=b"a: b\r\n" * 1000))
    refuse(
        "(the connection broke .*bytes of headers.*|only 1 bytes came .*|stood still .*)",
        url,
        **PIN,
    )


def test_a_body_without_an_end_fills_no_disk(server):
    url = server.reply("/a.gz", Reply(DATA, headers=UNDECLARED, endless=True))
    refuse(
        "has more than 1,000,000 bytes, which it does not declare: more than download.max_bytes .*",
        url,
        max_bytes=1_000_000,
    )
    assert not PARTIAL.exists()


def test_more_than_is_allowed_is_refused_before_it_comes(server):
    url = server.reply("/a.gz", Reply(DATA))
    reason = "has 200,000 bytes, but download.max_bytes allows 199,999"
    refuse(reason, url, max_bytes=199_999)
    refuse(reason, url, max_bytes=199_999, sha256=PIN["sha256"])
    assert get(url, max_bytes=199_999, **PIN).startswith("1 file")


def test_what_the_disk_has_no_space_for_is_refused_before_it_comes(server, monkeypatch):
    monkeypatch.setattr(attempts, "DECLARED", 10**18)
    lies = Reply(DATA, headers={"Content-Length": str(10**15)}, stalls=True)
    refuse("has 1,000,.* bytes, for which the disk has no space", server.reply("/a.gz", lies))
    with pytest.raises(OSError, match="No space left on device"):
        get(server.url + "/a.gz", bytes=10**15, sha256=PIN["sha256"])


def test_the_wait_that_a_source_asks_for_is_within_its_time(server):
    url = server.reply("/a.gz", Reply(status=429, headers={"Retry-After": "30"}))
    refuse("429 Too Many Requests", url, **PIN)
    assert len(server.requests) == 1


@pytest.mark.usefixtures("_impatient")
def test_a_host_that_stands_still_is_not_asked_for_every_file(server):
    Path("a.gz").write_bytes(DATA)
    slow = server.reply("/a.gz", Reply(raw=b"H" * 1000, drips=0.1))
    entries = [PublishedFile(name=f"{n}.gz", sources=(slow, "file:a.gz")) for n in range(5)]
    started = time.monotonic()
    download("cats", DownloadParams(files=tuple(entries)), FOLDER)
    assert time.monotonic() - started < 15  # far below what is given outside of tests
    assert len(server.requests) == 1


@pytest.mark.usefixtures("_impatient")
def test_attempts_share_the_time_in_which_they_stand_still(server, monkeypatch):
    monkeypatch.setattr(http, "READ_SECONDS", 0.3)
    url = server.reply("/a.gz", Reply(DATA, sent=50_000, stalls=True, ranges=False))
    refuse("(stood still for 0.5 s in several attempts|nothing came for 0.3 s)", url, **PIN)
    assert len(server.requests) == 2


def test_a_server_that_drops_every_piece_is_asked_until_all_is_there(server, monkeypatch):
    url = server.reply("/a.gz", Reply(DATA, sent=21_000))
    assert get(url, **PIN).startswith("1 file, 0.2 MB")
    assert (FOLDER / "a.gz").read_bytes() == DATA
    assert len(server.requests) == 10
    assert get(server.reply("/a.gz", Reply(DATA, sent=23_000, etag='"1"'))).startswith("1 file")
    assert (FOLDER / "a.gz").read_bytes() == DATA


def test_a_server_that_drops_and_has_no_ranges_is_given_up(server, monkeypatch):
    url = server.reply("/a.gz", Reply(DATA, sent=50_000, ranges=False))
    line = refuse("ended after 50,000 of 200,000 bytes", url, **PIN)
    assert len(server.requests) == 5
    assert line.endswith("cats/a.gz; run this again to go on after the 50,000 bytes that came")
    refuse("ended after 50,000 of 200,000 bytes", url)
    assert not PARTIAL.exists()


def test_pieces_that_never_fit_end(server, monkeypatch):
    url = server.reply("/a.gz", Reply(DATA[::-1], sent=60_000))
    refuse("SHA-256 is .*, not the pinned .*, or take what is .*|SHA-256 .*|ended .*", url, **PIN)
    assert len(server.requests) < 15


def test_a_range_that_is_another_than_it_says_is_found_out(server):
    first, liar = Reply(DATA, etag='"1"', sent=150_000), Reply(DATA, etag='"1"', lies=True)
    get(server.reply("/a.gz", first, liar, Reply(DATA, etag='"1"')))
    assert (FOLDER / "a.gz").read_bytes() == DATA
    assert server.asked("Range") == [None, "bytes=148976-", None]


@pytest.mark.parametrize(
    "declared",
    [
        "bytes 148976-9/200000",
        "bytes 148976-199999/5",
        "bytes 148976-150000/200000",
        "bytes 148976-",
    ],
)
def test_a_range_that_contradicts_itself_is_no_range(server, declared):
    liar = Reply(DATA, etag='"1"', headers={"Content-Range": declared})
    get(server.reply("/a.gz", Reply(DATA, etag='"1"', sent=150_000), liar, Reply(DATA, etag='"1"')))
    assert (FOLDER / "a.gz").read_bytes() == DATA
    assert server.asked("Range") == [None, "bytes=148976-", None]


@pytest.mark.parametrize("length", [1000, 65_536, 150_000])
@pytest.mark.parametrize("stays", [False, True], ids=["closed", "kept open"])
def test_a_body_that_is_longer_than_it_was_said_to_be(server, length, stays):
    headers = {"Content-Length": str(length)}
    url = server.reply("/a.gz", Reply(DATA, headers=headers, stalls=stays))
    refuse(f"sent more than the {length:,} bytes that it declared", url)


def test_a_connection_that_stays_open_costs_little(server):
    assert get(server.reply("/a.gz", Reply(DATA, stalls=True))).startswith("1 file")


def test_what_came_whole_is_taken_whatever_follows_where_it_is_pinned(server):
    url = server.reply("/a.gz", Reply(DATA + b"!", headers={"Content-Length": str(len(DATA))}))
    assert get(url, **PIN).startswith("1 file")


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("a.csv", "gzip"),
        ("a.tar.zst", "gzip"),
        ("a.gz", "br"),
        ("a.gz", "deflate"),
        ("a.gz", "gzip, gzip"),
        ("a.xz", "x-gzip"),
    ],
)
def test_what_is_compressed_on_its_way(server, name, encoding):
    url = server.reply("/a", Reply(DATA, headers={"Content-Encoding": encoding}))
    refuse(rf"sent it compressed \({encoding}\), which was not asked for", url, name=name)


def test_what_is_compressed_and_does_not_say_so(server):
    url = server.reply("/a", Reply(gzip.compress(b"id,label\n")))
    for name in ("a.csv", "a.tsv", "a.jsonl", "a.parquet"):
        refuse(r"sent it compressed \(gzip\), which was not asked for", url, name=name)
    assert get(url, name="a.csv.gz").startswith("1 file")


def test_what_is_compressed_twice(server):
    twice = gzip.compress(gzip.compress(b"id,label\n"))
    url = server.reply("/a.gz", Reply(twice, headers={"Content-Encoding": "gzip"}))
    refuse(r"sent it compressed \(gzip\), which was not asked for", url)
    server.reply("/a.gz", Reply(gzip.compress(b"a"), headers={"Content-Encoding": "gzip"}))
    assert get(url).startswith("1 file")


def test_a_transfer_that_http_does_not_decode(server):
    url = server.reply("/a.gz", Reply(DATA, headers={"Transfer-Encoding": "gzip, chunked"}))
    refuse("sent it encoded on the way .*, which was not asked for", url)


def test_two_lengths(server):
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\n" + DATA[:9]
    refuse("an address or header is malformed .*", server.reply("/a.gz", Reply(raw=raw)))


NO_KEY = b"<Error><Code>NoSuchKey</Code><Message>The key \x1b[31mdoes not exist.</Message></Error>"
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BOM + b"<!DOCTYPE html><p>log in", "sent a web page instead of the file"),
        (b" \r\n\t" * 500 + b"<html>", "sent a web page instead of the file"),
        (b"<!-- " + b"x" * 5000 + b" --><html>", "sent a web page instead of the file"),
        (XML + b"<!DOCTYPE html PUBLIC><html>", "sent a web page instead of the file"),
        ("\ufeff<html>log in".encode("utf-16"), "sent a web page instead of the file"),
        ("<html>log in".encode("utf-16-le"), "sent a web page instead of the file"),
        ("\ufeff<HTML>".encode("utf-16-be"), "sent a web page instead of the file"),
        (XML + NO_KEY, r"sent an error in XML \(NoSuchKey: The key .*\) instead of the file"),
        (BOM + XML + NO_KEY, r"sent an error in XML \(NoSuchKey.*\) instead of the file"),
        (NO_KEY, r"sent an error in XML \(NoSuchKey.*\) instead of the file"),
        (XML + b"<ListBucketResult>", "sent XML instead of the file"),
        (
            b'{"code": 404, "message": "Not found"}',
            r"sent an error in JSON \(404: Not found\) instead of the file",
        ),
        (b'\n {"error": {"a": 1}} \n', r"sent an error in JSON .* instead of the file"),
        (b'{"files": []}', "sent JSON instead of the file"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "sent a pointer of Git LFS instead of the file",
        ),
    ],
)
@pytest.mark.parametrize("drips", [0.0, 0.0001], ids=["at once", "byte by byte"])
def test_what_is_sent_instead_of_the_file(server, body, reason, drips):
    url = server.reply("/a.gz", Reply(body, drips=min(drips, 0.02 / len(body))))
    line = refuse(reason, url)
    Path("a.gz").write_bytes(body)
    refuse(reason, "file:a.gz")
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.jsonl", b'{"file_name": "1.png", "label": 1}'),
        ("a.jsonl", b'{"error": 1}\n{"error": 2}\n'),
        ("a.json", json.dumps({"images": [1, 2]}).encode()),
        ("a.csv", b"{id},<label>\n1,2\n"),
        ("a.csv", b"<id>,<label>\n1,2\n"),
        ("a.xml", XML + b"<annotation/>"),
        ("a.bin", b" " * 100_000),
        ("a.bin", b"\xff\xfe" * 100),
    ],
)
def test_what_may_be_the_file(server, name, body):
    get(server.reply("/a", Reply(body)), name=name)
    assert (FOLDER / name).read_bytes() == body


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("file:///dev/zero", "is no plain file, but a FIFO, a device or a socket"),
        ("file:///dev/tty", "is no plain file, but a FIFO, a device or a socket"),
        ("file:fifo", "is no plain file, but a FIFO, a device or a socket"),
        ("file:socket", "is no plain file, but a FIFO, a device or a socket"),
        ("file:to-fifo", "is no plain file, but a FIFO, a device or a socket"),
        ("file:%FF%FE", "no such file"),
        ("file:C:%5Ca", "no such file"),
        ("file:///C:/a", "no such file"),
        ("file:a%zz%", "no such file"),
        ("file:" + "a" * 4000, "File name too long"),
        ("file:a/../../" + "../" * 100 + "none", "no such file"),
    ],
)
def test_a_file_that_is_none(source, reason):
    os.mkfifo("fifo")
    Path("to-fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        refuse(reason, source)


def test_a_sparse_file_is_not_copied(monkeypatch):
    with Path("a.gz").open("wb") as file:
        file.truncate(10**12)
    refuse("has 1,000,000,000,000 bytes, but download.max_bytes allows 20,000,000,000", "file:a.gz")


@contextmanager
def in_a_thread():
    raised = []

    def call():
        try:
            yield_.append(get(*arguments))
        except BaseException as error:
            raised.append(error)

    yield_, arguments = [], []
    thread = threading.Thread(target=call)
    yield arguments, raised, thread


@pytest.mark.usefixtures("_impatient")
def test_a_trickle_ends_in_a_thread_too(server):
    url = server.reply("/a.gz", Reply(DATA, drips=0.02))
    with in_a_thread() as (arguments, raised, thread):
        arguments.append(url)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
    assert re.search("bytes came within|stood still for", str(raised[0]))
