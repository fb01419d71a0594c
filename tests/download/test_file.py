from pathlib import Path

import pytest

from pipeline.download import protocols
from pipeline.download.body import FetchError, quoted


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


@pytest.mark.parametrize("target", ["../secret", "{here}/secret", "inner"])
def test_a_link_out_of_its_folder_is_refused(tmp_path, monkeypatch, target):
    """A link to a link, relative or absolute: what counts is the file that is read."""
    monkeypatch.chdir(tmp_path)
    Path("secret").write_bytes(b"secret")
    Path("mine").mkdir()
    Path("mine/inner").symlink_to("../secret")
    Path("mine/a.gz").symlink_to(target.format(here=tmp_path))
    with pytest.raises(FetchError, match=rf"outside its folder; .* file://{tmp_path}/secret$"):
        read("file:mine/a.gz")
    assert read(f"file://{tmp_path}/secret") == (b"secret", 6)


def test_a_link_within_its_folder_is_followed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("mine").symlink_to("data")
    Path("data/b.gz").write_bytes(b"abc")
    Path("data/a.gz").symlink_to(tmp_path / "mine/b.gz")
    assert read("file:mine/a.gz") == (b"abc", 3)


def test_a_name_that_is_no_unicode(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("\udcff.gz").write_bytes(b"abc")
    assert quoted(Path("\udcff.gz")) == "%FF.gz"
    assert read("file:%FF.gz") == (b"abc", 3)
