import importlib.util
import sys
from itertools import chain
from types import SimpleNamespace

import fsspec
import pytest

from pipeline.download import fsspec_source, protocols
from pipeline.download.body import FetchError


def read(url):
    with protocols.open_source(protocols.check(url)) as body:
        return b"".join(body.chunks), body.total


def test_a_file_is_read(monkeypatch):
    monkeypatch.setitem(protocols.PROTOCOLS, "memory", fsspec_source.protocol("memory"))
    content = bytes(range(256)) * 5000
    with fsspec.open("memory://bucket/a", "wb") as file:
        file.write(content)
    assert read("memory://bucket/a") == (content, len(content))
    with pytest.raises(FetchError, match=r"^no such file$"):
        read("memory://bucket/none")


def test_pieces_are_longer_the_quicker_they_come(monkeypatch):
    takes, asked = [0, 0, 0, 2, 6, 6, 0, 0], []
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(fsspec_source, "time", clock)

    class File:
        def read(self, length):
            clock.now += takes[len(asked)]
            asked.append(length)
            return b"a" if len(asked) < len(takes) else b""

    assert b"".join(fsspec_source._pieces(File())) == b"a" * 7
    assert [length / fsspec_source.FIRST for length in asked] == [1, 2, 4, 8, 8, 4, 2, 4]


MISSING = {
    "s3fs": ["s3", "s3a"],
    "sshfs": ["ssh", "sftp"],
    "gcsfs": ["gs", "gcs"],
    "adlfs": ["az", "abfs"],
    "pyarrow": ["hdfs"],
    "huggingface_hub": ["hf"],
    "ossfs": ["oss"],
}


def test_every_protocol_is_tested():
    assert sorted(chain(*MISSING.values())) == sorted(fsspec_source.LIBRARIES)


@pytest.mark.parametrize(
    ("package", "scheme"), [(package, name) for package in MISSING for name in MISSING[package]]
)
def test_a_missing_library_is_named(package, scheme, monkeypatch):
    packages = {package, "paramiko"}
    # What other tests had loaded, too.
    for module in packages | {name for name in sys.modules if name.partition(".")[0] in packages}:
        monkeypatch.setitem(sys.modules, module, None)
    for module in ("sftp", "arrow"):
        monkeypatch.delitem(sys.modules, f"fsspec.implementations.{module}", raising=False)
    for name in MISSING[package]:
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, name, raising=False)
    wanted = f"^run: pip install {fsspec_source.LIBRARIES[scheme]}$".replace("[", r"\[")
    with pytest.raises(FetchError, match=wanted):
        read(f"{scheme}://place/a")


@pytest.mark.skipif(not importlib.util.find_spec("pyarrow"), reason="pyarrow is not installed")
def test_hadoop_without_its_programs_is_one_line():
    with pytest.raises(FetchError) as caught:
        read("hdfs://127.0.0.1:1/a")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "memory://place/a",
        "filecache::s3://bucket/a",
        "simplecache::https://host/a",
        "git://.:main@a/b",
        "data:,abc",
        "dask://host/a",
        "jupyter://host/a",
        "reference://place/a",
        "zip://a.csv::s3://bucket/a.zip",
        "tar://a.csv::file:///a.tar",
        "github://owner:repo@main/a",
        "local://etc/passwd",
        "dir://a/b",
        "generic://a/b",
        "ftp://host/a",
        "smb://host/a",
        "dvc://a/b",
        "s3://bucket/a::https://host/b",
        "hf://datasets/a/b::file:///etc/passwd",
        "S3://bucket/a",
    ],
)
def test_what_else_fsspec_reads_is_no_source(url):
    with pytest.raises(ValueError, match=r"^must (begin with a known scheme|look like)"):
        protocols.check(url)
