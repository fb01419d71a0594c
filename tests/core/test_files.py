import hashlib
import os
from pathlib import Path

import pytest

from pipeline.core import files
from pipeline.core.errors import DataError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_sha256(tmp_path):
    content = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(content)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("before", [None, "old"])
def test_new_file_appears_when_it_is_complete(tmp_path, before):
    path = tmp_path / "new" / "a"
    if before:
        path.parent.mkdir()
        path.write_text(before)
    with files.new_file(path) as work:
        assert work.parent == path.parent
        work.write_text("half")
        assert path.exists() == bool(before)
        work.write_text("whole")
    assert path.read_text() == "whole"
    assert names(path.parent) == ["a"]


@pytest.mark.parametrize("fault", [DataError("x"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_new_file_leaves_the_old_one_after_a_failure(tmp_path, fault):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(type(fault)), files.new_file(path) as work:  # noqa: PT012
        work.write_text("half")
        raise fault
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_text_has_the_same_bytes_everywhere(tmp_path):
    files.write_text(tmp_path / "new/a", "ü\nb")
    assert (tmp_path / "new/a").read_bytes() == b"\xc3\xbc\nb"
    assert names(tmp_path / "new") == ["a"]


@pytest.mark.parametrize("new", [files.new_file, files.new_folder])
def test_a_full_disk_names_the_output(tmp_path, new):
    with pytest.raises(OSError, match="No space left on device") as caught, new(tmp_path / "a"):
        Path("/dev/full").write_text("half")
    assert caught.value.filename == str(tmp_path / "a")
    assert names(tmp_path) == []


def test_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, files.new_file(tmp_path / "a"):
        (tmp_path / "none").read_bytes()
    assert caught.value.filename == str(tmp_path / "none")


@pytest.mark.parametrize("before", [(), ("old", "common")])
def test_new_folder_replaces_as_a_whole(tmp_path, before):
    path = tmp_path / "up" / "out"
    for name in before:
        path.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("old")
    stale = path.with_name("out.0123456789abcdef.incomplete")  # what a killed process left
    stale.mkdir(parents=True)
    (stale / "stale").touch()
    with files.new_folder(path) as work:
        assert names(work) == []
        (work / "common").write_text("new")
        assert path.exists() == bool(before)
    assert names(path) == ["common"]
    assert (path / "common").read_text() == "new"
    assert names(path.parent) == ["out"]


def test_new_folder_leaves_the_old_one_after_a_failure(tmp_path):
    path = tmp_path / "out"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(DataError), files.new_folder(path) as work:  # noqa: PT012
        (work / "half").touch()
        raise DataError("x")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["out"]


def test_json_is_canonical(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"b": [1, 2.5], "a": {"é": None}})
    assert path.read_bytes().decode() == (
        '{\n  "a": {\n    "é": null\n  },\n  "b": [\n    1,\n    2.5\n  ]\n}\n'
    )
    assert files.read_json(path) == {"b": [1, 2.5], "a": {"é": None}}


def test_json_takes_no_nan_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "a.json", float("nan"))
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing; run the stage"),
        (b"", "is not valid JSON"),
        (b'{"a": 1', "is not valid JSON"),
        (b"\xff", "is not valid JSON"),
    ],
)
def test_json_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        files.read_json(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "is_hidden"),
    [
        ("cat/1.png", False),
        ("cat.d/..png.png", True),
        ("a/@EADIR/1.png", True),
        ("a/.trash/1.png", True),
        ("Desktop.ini", True),
        ("recycle.bin/1.png", False),
        ("../1.png", False),
    ],
)
def test_hidden_files_and_folders(name, is_hidden):
    assert files.is_clutter(Path(name)) == is_hidden


def test_only_plain_files_are_opened(tmp_path):
    (tmp_path / "plain").write_bytes(b"bytes")
    with files.open_regular(tmp_path / "plain") as file:
        assert file.read() == b"bytes"
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "fifo", tmp_path / "folder", Path(os.devnull)):
        with pytest.raises(DataError, match="is no plain file, but a folder, FIFO or device"):
            files.open_regular(path)
    with pytest.raises(FileNotFoundError):
        files.open_regular(tmp_path / "none")


def test_a_file_of_the_system_that_waits_is_no_plain_one(tmp_path, monkeypatch):
    """Such as /proc/kmsg, which says that it is plain, and empty."""
    path = tmp_path / "empty"
    path.touch()
    with files.open_regular(path) as file:
        assert file.read() == b""

    def wait(descriptor, length, start):
        raise BlockingIOError

    monkeypatch.setattr(os, "pread", wait)
    with pytest.raises(DataError, match="is no plain file"):
        files.open_regular(path)
