import random
import re
import time

import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipeline.core.errors import DataError
from pipeline.decode.archive import decode_archive
from pipeline.decode.params import ArchiveDecode
from pipeline.download import folder
from pipeline.extract.archive import ArchiveExtract, extract_archive
from pipeline.labels import folders
from pipeline.shards import index as shard_index
from tests.support import builders
from tests.support.builders import CLASSES

NAMES = ["train/cat/1.png", "test/dog/2.png", "emu/cat/dog/odd/1.png", "b/emu/3.png"]


def test_class_is_the_innermost_folder_that_has_its_name():
    positions, labels = folders.labels(pa.array(NAMES), CLASSES, "a.zip")
    assert [CLASSES[label] for label in labels[positions]] == ["cat", "dog", "dog", "emu"]
    assert [sorted(NAMES)[position] for position in positions] == NAMES


@pytest.mark.parametrize(
    ("place", "classes"),
    [
        (1, ["cat", "dog"]),
        (2, ["dog", "cat"]),
        (-1, ["dog", "cat"]),
        ("{class}/*", ["cat", "dog"]),
        ("*/{class}/?.png", ["dog", "cat"]),
    ],
)
def test_class_is_the_folder_at_a_place(place, classes):
    names = pa.array(["cat/dog/1.png", "dog\\cat\\2.png"])
    _, labels = folders.labels(names, CLASSES, "a.zip", place)
    assert [CLASSES[label] for label in labels] == classes


def test_images_that_have_no_folder_at_a_place_are_named():
    with pytest.raises(DataError, match=r"1 images are in no folder named as a class: dog/2\.png"):
        folders.labels(pa.array(["x/cat/1.png", "dog/2.png"]), CLASSES, "a.zip", 2)


@pytest.mark.parametrize("place", [0, "*/cat/*", "{class}/{class}/*"])
def test_places_that_are_none_are_refused(place):
    with pytest.raises(ValidationError, match="classes_at"):
        ArchiveDecode(classes=CLASSES, shape=(8, 8, 3), classes_at=place)


def test_images_in_no_folder_of_a_class_are_named():
    with pytest.raises(DataError) as caught:
        folders.labels(pa.array([*NAMES, "owl/1.png", "cat.png"]), CLASSES, "a.zip")
    assert "a.zip: has no table of labels, and 2 images are in no folder" in str(caught.value)
    assert "owl/1.png" in str(caught.value)


@pytest.mark.parametrize("suffix", [".7z", ".zip", ".tar", ".tar.gz"])
def test_a_folder_for_each_class_through_extract_and_decode(tmp_path, suffix):
    """Folders have the same file names; images have two suffixes, and are grey and coloured."""
    pixels = builders.pixels(range(3), (8, 8, 3))
    members = [
        (f"pets/{name}/{n}.{kind}", builders.encode(image[..., :c], f".{kind}"))
        for name, image in zip(CLASSES, pixels, strict=True)
        for n, (kind, c) in enumerate((("png", 3), ("png", 1), ("bmp", 3)))
    ]
    raw = tmp_path / "raw"
    raw.mkdir()
    if suffix == ".tar":
        for name, content in members:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        listed = folder.members(tmp_path / "pets")
        (raw / "pets.tar").write_bytes(b"".join(folder.pack(tmp_path / "pets", listed)))
        prefix = ""
    else:
        builders.write_archive(raw / f"pets{suffix}", members)
        prefix = "pets/"
    params = ArchiveExtract(archive=f"pets{suffix}", part_rows=4)
    extract_archive(raw, params, tmp_path / "extracted")
    assert not (tmp_path / "extracted/labels.csv").exists()
    decode = ArchiveDecode(classes=CLASSES, shape=(8, 8, 3))
    decode_archive(tmp_path / "extracted", decode, tmp_path / "shards")
    index = shard_index.Index.read(tmp_path / "shards")
    ids = shard_index.column(tmp_path / "shards", index, "id").to_pylist()
    classes = shard_index.column(tmp_path / "shards", index, "class").to_pylist()
    expected = [name.removeprefix("pets/") for name, _ in members]
    assert sorted(ids) == sorted(prefix + name for name in expected)
    assert classes == [path.removeprefix("pets/").split("/")[0] for path in ids]
    images = builders.shard_images(tmp_path / "shards", index)
    found = dict(zip(ids, shard_index.integers(images, 255), strict=True))
    for name, image in zip(CLASSES, pixels, strict=True):
        assert (found[f"{prefix}{name}/0.png"] == image).all()
        assert (found[f"{prefix}{name}/1.png"] == image[..., :1]).all()


def test_a_pattern_takes_the_class_that_an_expression_would_take():
    """By an expression that tries all lengths, on texts that are short enough for it."""
    chance = random.Random(1)
    for _ in range(5000):
        before, after = ("".join(chance.choices("ab*?/*", k=chance.randrange(5))) for _ in "12")
        path = "".join(chance.choices("ab/", k=chance.randrange(9)))
        sides = (
            re.escape(side).replace(r"\*", ".*").replace(r"\?", ".") for side in (before, after)
        )
        found = re.fullmatch("([^/]+)".join(sides), path)
        place = f"{before}{{class}}{after}"
        assert folders.finder(place)(path) == (found[1] if found else ""), (place, path)


def test_a_pattern_of_many_stars_takes_no_longer_than_one():
    started = time.process_time()
    assert folders.finder("*a" * 100 + "{class}" + "b*" * 100)("a" * 4000) == ""
    assert time.process_time() - started < 1
