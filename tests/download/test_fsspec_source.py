import sys

import fsspec
import pytest

from pipeline.download import protocols
from pipeline.download.body import FetchError


def read(url):
    with protocols.open_source(protocols.check(url)) as body:
        return b"".join(body.chunks), body.total


def test_a_file_is_read():
    with fsspec.open("memory://bucket/a", "wb") as file:
        file.write(b"abc")
    assert read("memory://bucket/a") == (b"abc", 3)
    with pytest.raises(FetchError, match=r"^no such file$"):
        read("memory://bucket/none")


@pytest.mark.parametrize(("url", "extra"), [("s3://bucket/a", "s3"), ("ssh://host/a", "ssh")])
def test_a_missing_extra_is_named(url, extra, monkeypatch):
    packages = {"s3fs", "sshfs", "paramiko"}
    # What other tests had loaded, too.
    for module in packages | {name for name in sys.modules if name.partition(".")[0] in packages}:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
    for name in ("s3", "ssh"):
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, name, raising=False)
    with pytest.raises(FetchError, match=rf"^run: pip install '\.\[{extra}\]'$"):
        read(url)
