import hashlib
import os
import socket
from pathlib import Path

import fsspec
import pytest
from ruamel.yaml import YAML

from pipeline.core import files, resumed
from pipeline.core.errors import SourceError
from pipeline.core.params import Params
from pipeline.download import attempts, body, bounds, fetch, fsspec_source, http, protocols
from pipeline.download.params import DownloadParams
from tests.support.http_server import Reply

DATA = os.urandom(200_000)
OTHER = os.urandom(200_000)
PIN = {"bytes": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest()}
PAGE = b"\n<!DOCTYPE html>\n<html><body>Please log in</body></html>"
FOLDER = Path("data/raw/cats")
PARTIAL = Path("data/raw/cats.incomplete/a.gz.incomplete")


@pytest.fixture(autouse=True)
def _quick_and_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(fetch.MIRROR, raising=False)
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    monkeypatch.setattr(bounds, "SECONDS", 2.0)
    monkeypatch.setattr(attempts, "BACKOFF_SECONDS", 0.001)


def params(*entries):
    return Params({"download": {"files": list(entries)}}).section(DownloadParams, "download")


def get(*sources, **pin):
    return fetch.download("cats", params({"name": "a.gz", "sources": list(sources), **pin}), FOLDER)


def fetched():
    return (FOLDER / "a.gz").read_bytes()


def asked_ranges(server):
    return server.asked("Range")


def refuse(message, *sources, **pin):
    """Expect an error of one line, and no output."""
    with pytest.raises(SourceError, match=message) as caught:
        get(*(sources or ["file:none"]), **pin)
    assert "\n" not in str(caught.value)
    assert not FOLDER.exists()
    return str(caught.value)


def test_files_come_as_they_were_published(server):
    a, b = server.reply("/a.gz", Reply(DATA)), server.reply("/b.gz", Reply(OTHER))
    files_of = params(
        {"name": "a.gz", "sources": [a], **PIN},
        {"name": "b.gz", "sources": [b], "sha256": hashlib.sha256(OTHER).hexdigest()},
    )
    assert fetch.download("cats", files_of, FOLDER) == f"2 files, 0.4 MB from {server.url}"
    assert contents() == {"a.gz": DATA, "b.gz": OTHER}
    assert [path.name for path in FOLDER.parent.iterdir()] == ["cats"]
    assert fetch.pins(files_of, FOLDER) == ""


def two(server):
    """Parameters of a.gz, which is pinned and which no server has, and b.gz, which is served."""
    b = server.reply("/b.gz", Reply(OTHER))
    return params(
        {"name": "a.gz", "sources": [f"{server.url}/none"], **PIN},
        {"name": "b.gz", "sources": [b], "sha256": hashlib.sha256(OTHER).hexdigest()},
    )


def contents():
    return {path.name: path.read_bytes() for path in FOLDER.iterdir()}


def test_what_is_there_is_verified_instead_of_fetched(server):
    FOLDER.mkdir(parents=True)
    (FOLDER / "a.gz").write_bytes(DATA)
    (FOLDER / "b.gz").write_bytes(OTHER)
    before = (FOLDER / "a.gz").stat()
    done = fetch.download("cats", two(server), FOLDER)
    assert done == "2 files, 0.4 MB, verified, which were there already"
    assert server.requests == []
    after = (FOLDER / "a.gz").stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)
    assert get("file:none", **PIN) == "1 file, 0.2 MB, verified, which was there already"
    assert [path.name for path in FOLDER.parent.iterdir()] == ["cats"]


def test_only_what_is_missing_is_fetched(server):
    FOLDER.mkdir(parents=True)
    (FOLDER / "a.gz").write_bytes(DATA)
    done = fetch.download("cats", two(server), FOLDER)
    assert done == f"2 files, 0.4 MB from an earlier run and {server.url}"
    assert [path for path, _ in server.requests] == ["/b.gz"]
    assert contents() == {"a.gz": DATA, "b.gz": OTHER}


@pytest.mark.parametrize("damage", ["flipped", "truncated", "folder", "link"])
def test_what_is_damaged_is_fetched_again(server, damage):
    FOLDER.mkdir(parents=True)
    (FOLDER / "a.gz").write_bytes(DATA)
    path = FOLDER / "b.gz"
    if damage == "folder":
        path.mkdir()
        (path / "inner").touch()
    elif damage == "link":
        path.symlink_to("nowhere")
    else:
        path.write_bytes(OTHER[:-1] + bytes([OTHER[-1] ^ 1]) if damage == "flipped" else OTHER[1:])
    done = fetch.download("cats", two(server), FOLDER)
    assert done == f"2 files, 0.4 MB from an earlier run and {server.url}"
    assert contents() == {"a.gz": DATA, "b.gz": OTHER}
    assert not path.is_symlink()


def test_what_is_there_without_a_pin_is_fetched_again(server):
    FOLDER.mkdir(parents=True)
    (FOLDER / "a.gz").write_bytes(OTHER)
    url = server.reply("/a.gz", Reply(DATA))
    assert get(url, bytes=len(DATA)) == f"1 file, 0.2 MB from {server.url}"
    assert fetched() == DATA


def test_what_is_not_listed_any_more_is_removed():
    FOLDER.mkdir(parents=True)
    (FOLDER / "a.gz").write_bytes(DATA)
    (FOLDER / "old.gz").write_bytes(b"old")
    (FOLDER / "old").mkdir()
    (FOLDER / "link").symlink_to(FOLDER.absolute())
    get("file:none", **PIN)
    assert contents() == {"a.gz": DATA}


def test_an_interruption_while_files_are_put_in_place_costs_none(server, monkeypatch):
    FOLDER.mkdir(parents=True)
    (FOLDER / "a.gz").write_bytes(DATA)
    (FOLDER / "b.gz").write_bytes(b"damaged")

    replace = Path.replace

    def interrupted(path, target):
        if target.parent == FOLDER:
            raise KeyboardInterrupt
        return replace(path, target)

    both = two(server)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch.download("cats", both, FOLDER)
    assert contents() == {"a.gz": DATA, "b.gz": b"damaged"}
    server.requests.clear()
    assert fetch.download("cats", both, FOLDER) == "2 files, 0.4 MB from an earlier run"
    assert server.requests == []
    assert contents() == {"a.gz": DATA, "b.gz": OTHER}


def test_the_folder_holds_nothing_else_afterwards(server):
    FOLDER.mkdir(parents=True)
    (FOLDER / "old.gz").write_bytes(b"old")
    resumed.claim(files.beside(FOLDER), lambda _: False)
    (files.beside(FOLDER) / "older.gz").write_bytes(b"older")
    get(server.reply("/a.gz", Reply(DATA)), **PIN)
    assert [path.name for path in FOLDER.iterdir()] == ["a.gz"]


def test_the_old_folder_stays_where_a_file_cannot_be_had(server):
    FOLDER.mkdir(parents=True)
    for name in ("a.gz", "b.gz", "old.gz"):
        (FOLDER / name).write_bytes(b"old")
    with pytest.raises(SourceError):
        fetch.download("cats", two(server), FOLDER)
    assert contents() == dict.fromkeys(("a.gz", "b.gz", "old.gz"), b"old")


CHUNKED = {"Transfer-Encoding": "chunked", "Content-Length": ""}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=404), "404 Not Found"),
        (Reply(status=500), "500 Internal Server Error"),
        (
            Reply(status=429, headers={"Retry-After": "3600"}),
            "429 Too Many Requests, try again in 3,600 s",
        ),
        (Reply(DATA, 206, {"Content-Range": "bytes 0-9/10"}), "206 Partial Content"),
        (Reply(status=302, headers={"Location": "/a.gz"}), "redirects in circles"),
        (
            Reply(status=302, headers={"Location": "file:///etc/passwd"}),
            "redirects to file:///etc/passwd, which is no web server",
        ),
        (Reply(PAGE), f"has {len(PAGE)} bytes, not 200,000"),
        (Reply(PAGE, headers={"Content-Type": "text/html"}), "sent a web page instead of the file"),
        (Reply(PAGE, headers={"Content-Length": ""}), "sent a web page instead of the file"),
        (Reply(DATA + b"!"), "has 200,001 bytes, not 200,000"),
        (Reply(DATA + b"!", headers={"Content-Length": ""}), "has more than 200,000 bytes"),
        (Reply(DATA, headers={"Content-Length": ""}, endless=True), "has more than 200,000 bytes"),
        (Reply(DATA, headers={"Content-Length": "200001"}), "has 200,001 bytes, not 200,000"),
        (Reply(DATA, sent=300, ranges=False), "ended after 300 of 200,000 bytes"),
        (Reply(DATA, sent=0, stalls=True), "nothing came for 0.2 s"),
        (Reply(DATA, sent=90_000, stalls=True, ranges=False), "nothing came for 0.2 s"),
        (Reply(DATA, drips=0.02, ranges=False), r"only \d+ bytes came within 0.\d s"),
        (
            Reply(DATA, sent=90_000, resets=True, ranges=False),
            r"the connection broke \(.*reset by peer\)",
        ),
        (
            Reply(b"30d40\r\n" + DATA[:9], headers=CHUNKED, ranges=False),
            r"the connection broke \(.*\)",
        ),
        (Reply(b"no number\r\n", headers=CHUNKED), r"the connection broke \(.*\)"),
        (
            Reply(OTHER),
            f"SHA-256 is {hashlib.sha256(OTHER).hexdigest()}, not the pinned {PIN['sha256']}",
        ),
    ],
)
def test_what_is_wrong_with_a_source(server, reply, reason):
    url = server.reply("/a.gz", reply)
    refuse(f"^a.gz could not be fetched; {url}: {reason}. Mend", url, **PIN)
    server.reply("/a.gz", Reply(DATA))  # repaired
    get(url, **PIN)
    assert fetched() == DATA


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=429, headers={"Retry-After": "0"}),
        Reply(status=503, headers={"Retry-After": "9" * 30}),
        Reply(DATA, sent=90_000),
        Reply(DATA, sent=90_000, stalls=True),
        Reply(DATA, sent=90_000, resets=True),
        Reply(DATA, drips=0.02),
        Reply(b"no number\r\n", headers=CHUNKED),
        Reply(raw=b"no HTTP"),
    ],
)
def test_a_fault_that_passes_ends_in_the_file(server, reply):
    get(server.reply("/a.gz", reply, Reply(DATA)), **PIN)
    assert fetched() == DATA


def test_a_file_sent_in_pieces_of_unknown_number(server):
    pieces = b"".join(
        b"%x;note\r\n%b\r\n" % (50_000, DATA[n : n + 50_000]) for n in range(0, 200_000, 50_000)
    )
    get(server.reply("/a.gz", Reply(pieces + b"0\r\n\r\n", headers=CHUNKED)))
    assert fetched() == DATA


def test_what_is_compressed_on_its_way_is_refused(server):
    packed = Reply(b"\x1f\x8b...", headers={"Content-Encoding": "GZip"})
    table = params({"name": "a.csv", "sources": [server.reply("/a.csv", packed)]})
    with pytest.raises(SourceError, match=r"sent it compressed \(gzip\), which was not asked for"):
        fetch.download("cats", table, FOLDER)
    get(server.reply("/a.gz", packed))
    assert fetched() == b"\x1f\x8b..."


def test_an_unpinned_web_page_or_empty_file_is_none(server):
    refuse("sent a web page instead", server.reply("/a.gz", Reply(PAGE)))
    refuse("is empty", server.reply("/a.gz", Reply(b"")))


def test_a_passing_fault_is_met_again(server):
    url = server.reply("/a.gz", Reply(status=500), Reply(status=503), Reply(DATA))
    get(url, **PIN)
    assert fetched() == DATA
    assert len(server.requests) == 3


def test_attempts_are_bounded_and_a_lasting_fault_has_one(server):
    refuse("500", server.reply("/a.gz", Reply(status=500)), **PIN)
    assert len(server.requests) == body.TransientError.attempts
    server.requests.clear()
    refuse("404", server.reply("/a.gz", Reply(status=404)), **PIN)
    assert len(server.requests) == 1


def test_the_wait_asked_for_is_waited(server, monkeypatch):
    waits = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    monkeypatch.setattr(attempts, "BACKOFF_SECONDS", 0.5)
    monkeypatch.setattr(bounds, "SECONDS", 20.0)
    asks = Reply(status=429, headers={"Retry-After": "7"})
    get(server.reply("/a.gz", Reply(status=500), Reply(status=500), asks, Reply(DATA)), **PIN)
    assert waits == [0.5, 1, 7]


def test_a_broken_connection_is_resumed_where_it_broke(server):
    url = server.reply("/a.gz", Reply(DATA, etag='"1"', sent=150_000), Reply(DATA, etag='"1"'))
    get(url)
    assert fetched() == DATA
    assert asked_ranges(server) == [None, "bytes=148976-"]
    assert server.asked("If-Range") == [None, '"1"']


def test_a_later_run_resumes_a_pinned_file(server):
    url = server.reply("/a.gz", Reply(DATA, sent=150_000), Reply(status=404))
    refuse("404", url, **PIN)
    assert PARTIAL.read_bytes() == DATA[:150_000]
    server.requests.clear()
    server.reply("/a.gz", Reply(DATA))
    get(url, **PIN)
    assert fetched() == DATA
    assert asked_ranges(server) == ["bytes=150000-"]


def test_another_source_resumes_a_pinned_file(server):
    broken = server.reply("/1/a.gz", Reply(DATA, sent=150_000), Reply(status=404))
    get(broken, server.reply("/2/a.gz", Reply(DATA)), **PIN)
    assert fetched() == DATA
    assert asked_ranges(server)[-1] == "bytes=150000-"


def test_versions_of_an_unpinned_file_are_not_mixed(server):
    first = server.reply("/1/a.gz", Reply(DATA, etag='"1"', sent=150_000), Reply(status=404))
    get(first, server.reply("/2/a.gz", Reply(OTHER, etag='"2"')))
    assert fetched() == OTHER
    changed = server.reply("/a.gz", Reply(DATA, etag='"1"', sent=150_000), Reply(OTHER, etag='"2"'))
    get(changed)
    assert fetched() == OTHER
    server.requests.clear()
    get(server.reply("/a.gz", Reply(DATA, sent=150_000), Reply(OTHER)))  # no validator
    assert fetched() == OTHER
    assert asked_ranges(server) == [None, None]


def test_a_resumed_file_that_is_wrong_is_fetched_from_its_start(server):
    PARTIAL.parent.mkdir(parents=True)
    PARTIAL.write_bytes(OTHER[:1000])
    get(server.reply("/a.gz", Reply(DATA)), **PIN)
    assert fetched() == DATA
    assert asked_ranges(server) == ["bytes=1000-", None]


@pytest.mark.parametrize("length", [200_000, 200_001])
def test_a_partial_that_is_long_enough_but_wrong_is_fetched_anew(server, length):
    PARTIAL.parent.mkdir(parents=True)
    PARTIAL.write_bytes((OTHER * 2)[:length])
    get(server.reply("/a.gz", Reply(DATA)), **PIN)
    assert fetched() == DATA


def test_a_complete_partial_needs_no_request(server):
    PARTIAL.parent.mkdir(parents=True)
    PARTIAL.write_bytes(DATA)
    get(f"{server.url}/none", **PIN)
    assert fetched() == DATA
    assert server.requests == []


def test_a_file_that_is_done_is_not_fetched_twice(server):
    a, b = server.reply("/a.gz", Reply(DATA)), server.reply("/b.gz", Reply(status=404))
    both = params(
        {"name": "a.gz", "sources": [a], **PIN}, {"name": "b.gz", "sources": [b], "bytes": 200_000}
    )
    with pytest.raises(SourceError, match=r"^b\.gz could not"):
        fetch.download("cats", both, FOLDER)
    server.reply("/b.gz", Reply(OTHER))
    done = fetch.download("cats", both, FOLDER)
    assert done == f"2 files, 0.4 MB from an earlier run and {server.url}"
    assert [path for path, _ in server.requests].count("/a.gz") == 1


def test_a_finished_file_is_verified_before_it_is_taken(server):
    PARTIAL.parent.mkdir(parents=True)
    (PARTIAL.parent / "a.gz").write_bytes(OTHER)
    get(server.reply("/a.gz", Reply(DATA)), **PIN)
    assert fetched() == DATA


def test_an_unpinned_file_is_taken_and_its_pin_is_yaml(server):
    unpinned = params({"name": "a.gz", "sources": [server.reply("/a.gz", Reply(DATA))]})
    fetch.download("cats", unpinned, FOLDER)
    assert YAML(typ="safe").load(fetch.pins(unpinned, FOLDER)) == [{"name": "a.gz", **PIN}]


@pytest.fixture
def memory(monkeypatch):
    """A storage that fsspec reads, which needs no server."""
    monkeypatch.setitem(protocols.PROTOCOLS, "memory", fsspec_source.protocol("memory"))


@pytest.mark.usefixtures("memory")
def test_the_error_lists_every_source(server, monkeypatch):
    monkeypatch.setenv(fetch.MIRROR, "mirror")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        closed_port = closed.getsockname()[1]
    message = refuse(
        "could not be fetched",
        server.reply("/a.gz", Reply(OTHER)),
        f"{server.url}/none",
        f"http://127.0.0.1:{closed_port}/a.gz",
        "file:none",
        "debian://no-such-package/a.gz",
        "memory://none/a.gz",
        **PIN,
    )
    clauses = message.removeprefix("a.gz could not be fetched; ").split("; ")
    assert [clause.split(": ")[0] for clause in clauses] == [
        "DATA_MIRROR file:mirror/cats/a.gz",
        f"{server.url}/a.gz",
        f"{server.url}/none",
        f"http://127.0.0.1:{closed_port}/a.gz",
        "file:none",
        "debian://no-such-package/a.gz",
        "memory://none/a.gz",
    ]
    assert message.endswith(
        ". Mend one of these, or set DATA_MIRROR to a folder that holds cats/a.gz, or take what is "
        "published now: python -m pipeline update-dataset cats"
    )


def test_a_host_out_of_reach_is_not_asked_for_every_file(server, monkeypatch):
    waits = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    Path("a.gz").write_bytes(DATA)
    both = params(
        {"name": "a.gz", "sources": ["http://host.invalid/a.gz", "file:a.gz"]},
        {"name": "b.gz", "sources": ["http://host.invalid/b.gz", "file:a.gz"]},
    )
    assert fetch.download("cats", both, FOLDER) == "2 files, 0.4 MB from file:."
    assert len(waits) == body.UnreachableError.attempts - 1


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("kind", ["relative", "absolute", "url", "fsspec"])
def test_the_mirror_comes_first(server, tmp_path, monkeypatch, kind):
    elsewhere = server.reply("/a.gz", Reply(OTHER))
    if kind == "url":
        mirror = server.url + "/my%20mirror/"
        server.reply("/my%20mirror/cats/a.gz", Reply(DATA))
    elif kind == "fsspec":
        mirror = "memory://mirror"
        with fsspec.open("memory://mirror/cats/a.gz", "wb") as file:
            file.write(DATA)
    else:
        mirror = "100%25 mine/" if kind == "relative" else str(tmp_path / "100%25 mine")
        Path("100%25 mine/cats").mkdir(parents=True)
        Path("100%25 mine/cats/a.gz").write_bytes(DATA)
    monkeypatch.setenv(fetch.MIRROR, mirror)
    assert get(elsewhere) == "1 file, 0.2 MB from DATA_MIRROR"
    assert fetched() == DATA
    assert "/a.gz" not in [path for path, _ in server.requests]


def test_a_mirror_may_be_of_links(monkeypatch):
    Path("mirror/cats").mkdir(parents=True)
    Path("elsewhere").write_bytes(DATA)
    Path("mirror/cats/a.gz").symlink_to(Path("elsewhere").absolute())
    monkeypatch.setenv(fetch.MIRROR, "mirror")
    assert get("file:none", **PIN) == "1 file, 0.2 MB from DATA_MIRROR"


@pytest.mark.parametrize("has_wrong_file", [False, True])
def test_what_the_mirror_lacks_comes_from_the_sources(server, monkeypatch, has_wrong_file):
    if has_wrong_file:
        Path("mirror/cats").mkdir(parents=True)
        Path("mirror/cats/a.gz").write_bytes(OTHER)
    monkeypatch.setenv(fetch.MIRROR, "mirror")
    get(server.reply("/a.gz", Reply(DATA)), **PIN)
    assert fetched() == DATA


def test_a_mirror_that_is_none_is_refused(server, monkeypatch):
    monkeypatch.setenv(fetch.MIRROR, "htps://me:secret@host")
    message = refuse(r"^DATA_MIRROR, htps://\*\*\*@host: must begin with a known scheme", "file:a")
    assert "secret" not in message


SIGNED = "/stored?X-Amz-Credential=secret&X-Amz-Signature=secret"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=404), "404 Not Found"),
        (Reply(status=302, headers={"Location": SIGNED}), "404 Not Found"),
        (
            Reply(status=302, headers={"Location": "ftp://me:secret@host/?t=secret"}),
            r"redirects to ftp://\*\*\*@host/\?\*\*\*, which is no web server",
        ),
        (
            Reply(status=302, headers={"Location": "http://me:secret@host.invalid/?t=secret"}),
            r"its host's name is not found \(is there a network\?\)",
        ),
        (
            Reply(status=302, headers={"Location": "http://me:secret@host:port/?t=secret"}),
            r"an address or header is malformed \(Port could not be cast .*\)",
        ),
    ],
)
def test_credentials_stay_secret(server, monkeypatch, reply, reason):
    mirror = server.url.replace("http://", "http://me:secret@")
    monkeypatch.setenv(fetch.MIRROR, mirror)
    server.reply("/cats/a.gz", reply)
    shown = mirror.replace("me:secret@", r"\*\*\*@")
    message = refuse(
        f"^a.gz could not be fetched; DATA_MIRROR {shown}/cats/a.gz: {reason}; file:none"
    )
    assert "secret" not in message
    server.reply("/cats/a.gz", Reply(DATA))
    assert get("file:none") == "1 file, 0.2 MB from DATA_MIRROR"
    assert server.asked("Authorization")[-1] == "Basic bWU6c2VjcmV0"


@pytest.mark.parametrize("mirror", ["http://me:se/cret@host/a", "http://me:se?cret@host.invalid"])
def test_a_malformed_password_stays_secret(monkeypatch, mirror):
    monkeypatch.setenv(fetch.MIRROR, mirror)
    assert "cret" not in refuse(r"^a.gz could not be fetched; DATA_MIRROR http://\*\*\*@host")


def test_what_is_wrong_here_is_no_fault_of_the_source(server):
    PARTIAL.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        get(server.reply("/a.gz", Reply(DATA)), **PIN)
