import gzip
import io
import os
import sys

import numpy as np
import pytest

from pipeline.archives.limits import Limits
from pipeline.core.errors import DataError
from pipeline.images import idx
from pipeline.predict import inputs
from tests.support.builders import encode, pixels, write_archive

IMAGES = pixels([0, 1, 2], (6, 5, 3))
CONTENTS = [encode(image) for image in IMAGES]
LIMITS = Limits(total_bytes=10**9, member_bytes=10**6)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in zip(("b.png", "a.PNG", "in/c.jpg"), CONTENTS, strict=True):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    hidden = (".hidden.png", "._b.png", ".ipynb_checkpoints/b.png", "in/@eaDir/c.jpg/S.jpg")
    for name in ("labels.csv", *hidden):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"no image")
    return tmp_path


def find(*arguments):
    return list(inputs.find(arguments, LIMITS))


def read(*arguments):
    """Return name and content of every image; an error's text in place of a source."""
    for source in find(*arguments):
        if isinstance(source, DataError):
            yield str(source)
        else:
            yield from ((item.name, item.read()) for item in source.items())


def test_files_are_read_whatever_their_suffix():
    assert list(read("b.png", "labels.csv")) == [
        ("b.png", CONTENTS[0]),
        ("labels.csv", b"no image"),
    ]


def test_of_a_folder_images_are_taken_in_order_and_nothing_hidden():
    assert [name for name, _ in read(".")] == ["a.PNG", "b.png", "in/c.jpg"]
    assert inputs.count(find(".", "b.png")) == 4


def test_patterns():
    assert [name for name, _ in read("*.png")] == ["b.png"]
    assert [name for name, _ in read("**/*.jpg")] == ["in/c.jpg"]


def test_a_pattern_that_takes_folders_too_names_no_image_twice(folder):
    write_archive(folder / "in/more.zip", [("d.png", CONTENTS[0])])
    names = [found[0] for found in read("**") if isinstance(found, tuple)]
    assert sorted(names) == ["a.PNG", "b.png", "in/c.jpg", "in/more.zip:d.png", "labels.csv"]


def test_an_empty_argument_is_no_folder():
    assert list(read("")) == ["an empty argument names no image"]


def test_a_name_with_brackets_is_itself(folder):
    (folder / "[b].png").write_bytes(b"brackets")
    assert list(read("[b].png")) == [("[b].png", b"brackets")]


def test_what_is_not_there_stops_nothing(folder):
    (folder / "empty").mkdir()
    os.mkfifo(folder / "fifo")
    missing, pattern, empty, fifo, there = read("x.png", "x*", "empty", "fifo", "b.png")
    assert missing == "x.png: there is no such file or folder"
    assert pattern == "x*: matches no file"
    assert empty.startswith("empty: no image in there (.")
    assert fifo == "fifo is no plain file"
    assert there == ("b.png", CONTENTS[0])


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CONTENTS[0])))
    assert list(read("-")) == [("-", CONTENTS[0])]


def test_too_much_is_not_read(monkeypatch):
    monkeypatch.setattr(inputs, "MAX_BYTES", 10)
    with pytest.raises(DataError, match="has more than 10 bytes"):
        list(read("b.png"))


@pytest.mark.parametrize("suffix", [".7z", ".zip", ".tar.gz"])
def test_archives_are_streamed_within_their_limits(folder, suffix):
    members = [
        ("x/1.png", CONTENTS[0]),
        ("labels.csv", b""),
        ("x/._1.png", b""),
        ("2.jpg", CONTENTS[1]),
    ]
    path = write_archive(folder / f"all{suffix}", members)
    name = path.name
    assert list(read(name)) == [(f"{name}:x/1.png", CONTENTS[0]), (f"{name}:2.jpg", CONTENTS[1])]
    assert inputs.count(find(name, "b.png")) is None
    (source,) = inputs.find([name], LIMITS._replace(member_bytes=10))
    with pytest.raises(DataError, match="above 10"):
        list(source.items())
    write_archive(path, [("labels.csv", b"id")])
    with pytest.raises(DataError, match="no image in there"):
        list(read(name))


@pytest.mark.parametrize("suffix", [".7z", ".zip", ".tar.gz"])
def test_an_archive_is_told_by_its_content(folder, suffix):
    path = write_archive(folder / f"all{suffix}", [("x/1.png", CONTENTS[0])])
    path.rename(folder / "all")
    assert list(read("all")) == [("all:x/1.png", CONTENTS[0])]
    (folder / "rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(100))
    (fault,) = find("rar")
    assert isinstance(fault, DataError)
    assert "RAR" in str(fault)


def test_images_of_idx_files_are_transposed_as_the_runs_own_were(folder):
    (folder / "images").write_bytes(idx.dumps(IMAGES[..., 0]))
    (source,) = inputs.find(["images"], LIMITS, transpose=True)
    found = np.stack([item.read() for item in source.items()])
    assert (found == IMAGES[..., 0].transpose(0, 2, 1)).all()


@pytest.mark.parametrize("shape", [(3, 6, 5), (3, 6, 5, 3)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_files(folder, shape, pack, monkeypatch):
    monkeypatch.setattr(inputs, "ROWS", 2)
    array = IMAGES if len(shape) == 4 else IMAGES[..., 0]
    (folder / "images").write_bytes(pack(idx.dumps(array)))
    found = list(read("images"))
    assert [name for name, _ in found] == ["images:0", "images:1", "images:2"]
    assert (np.stack([image for _, image in found]) == array).all()
    assert inputs.count(find("images")) == 3


def test_idx_files_that_hold_no_images(folder):
    (folder / "labels").write_bytes(idx.dumps(np.uint8([1, 2])))
    with pytest.raises(
        DataError, match=r"must be uint8 of shape .* these are uint8 of shape \(2,\)"
    ):
        list(read("labels"))
    cut = gzip.compress(idx.dumps(IMAGES))[:-20]
    for name, content in (("cut", idx.dumps(IMAGES)[:-1]), ("cut.gz", cut)):
        (folder / name).write_bytes(content)
        with pytest.raises(DataError, match=r"ends after 2 images|truncated or damaged"):
            list(read(name))
