from pathlib import Path

import pytest

from pipeline.download import protocols
from pipeline.download.body import FetchError


def read(url):
    with protocols.open_source(protocols.check(url)) as body:
        return b"".join(body.chunks), body.total


def test_a_file_is_read_relative_or_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a b.gz").write_bytes(b"abc")
    assert read("file:a%20b.gz") == (b"abc", 3)
    assert read(f"file://{tmp_path}/a%20b.gz") == (b"abc", 3)
    for url, reason in (("file:none", "no such file"), ("file:.", "Is a directory")):
        with pytest.raises(FetchError, match=f"^{reason}$"):
            read(url)
