import re
from contextlib import contextmanager

import pytest

from pipeline.download import protocols
from pipeline.download.body import Body, Protocol


@pytest.mark.parametrize(
    "url",
    [
        "https://host/a.gz",
        "http://host:80/a?b=c",
        "file:data/a.gz",
        "file:../a",
        "file:///data/a.gz",
        "debian://dataset-fashion-mnist/a.gz",
        "kaggle://competitions/cifar-10/train.7z",
        "kaggle://datasets/owner/name/folder/a.csv",
        "kaggle://datasets/owner/name/versions/2/a.csv",
        "s3://bucket/key",
        "sftp://host/a",
        "webdavs://host/a",
        "gs://bucket/a",
        "abfs://container/a",
        "hdfs:///a",
        "hf://datasets/owner/name/a",
    ],
)
def test_a_source_is_taken(url):
    assert protocols.check(url) == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("data/a.gz", "must begin with a known scheme: https, http, file, folder, debian"),
        ("htps://host/a.gz", "must begin with a known scheme"),
        ("https://host", "must look like https://HOST/PATH"),
        ("file://data/a.gz", "must look like file:PATH or file:///PATH"),
        ("file://localhost/a.gz", "must look like file:PATH or file:///PATH"),
        ("file:a%00.gz", "must hold no control characters"),
        ("folder:a%1B", "must hold no control characters"),
        ("https://host/a\x1b[31m", "must hold no control characters"),
        ("file:a\nb", "must hold no control characters"),
        ("file:\u202ea", "must hold no control characters"),
        ("kaggle://datasets/o/n/../../../../a", "must look like kaggle:"),
        ("kaggle://competitions/../a", "must look like kaggle:"),
        ("s3://bucket", "must look like s3://PLACE/PATH"),
        ("debian://-L/a.gz", "must look like debian://PACKAGE/FILE"),
        ("kaggle://cifar-10/train.7z", "must look like kaggle://competitions/NAME/FILE or"),
    ],
)
def test_a_source_is_refused(url, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        protocols.check(url)


def test_a_new_protocol_is_one_entry(monkeypatch):
    @contextmanager
    def open_text(url, start, etag):
        yield Body(iter([url.removeprefix("text:").encode()[start:]]))

    monkeypatch.setitem(protocols.PROTOCOLS, "text", Protocol(r"text:.+", "text:WORDS", open_text))
    with protocols.open_source(protocols.check("text:some words"), start=5) as body:
        assert list(body.chunks) == [b"words"]
    with pytest.raises(ValueError, match=r"^must look like text:WORDS$"):
        protocols.check("text:")


@pytest.mark.parametrize("name", protocols.PROTOCOLS)
def test_each_protocol_refuses_a_url_of_nothing_else(name):
    form = protocols.PROTOCOLS[name].form
    with pytest.raises(ValueError, match=f"^must look like {re.escape(form)}$"):
        protocols.check(f"{name}:")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("file:///data/a.gz", "file:///data"),
        ("folder:pets", "folder:."),
        ("kaggle://competitions/cifar-10/train.7z", "kaggle://competitions"),
        ("s3://me:secret@bucket/key", "s3://bucket"),
    ],
)
def test_origin(url, origin):
    assert protocols.origin(url) == origin
