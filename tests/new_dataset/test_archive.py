"""Archives: classes by folders or by a table, subsets, and what an archive may lack."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.archive import members_pattern
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import detect
from tests.support import builders
from tests.support.builders import CLASSES


def image(n=0, shape=(8, 8, 3)):
    return builders.encode(builders.pixels([n], shape, seed=n)[0])


def members(*folders, n=3):
    return [
        (f"{folder}{name}/{i}.png", image(i))
        for folder in folders
        for name in CLASSES
        for i in range(n)
    ]


def look(tmp_path, contents, *labels, archive="a.zip"):
    builders.write_archive(tmp_path / archive, contents)
    return detect(tmp_path, [archive], Choices(labels=labels))


@pytest.mark.parametrize("archive", ["a.7z", "a.zip", "a.tar.gz"])
def test_a_folder_for_each_class(tmp_path, archive):
    findings = look(
        tmp_path, [*members("pets/"), ("__MACOSX/pets/cat/._0.png", b"x")], archive=archive
    )
    assert (findings.kind, findings.classes) == ("archive", list(CLASSES))
    assert findings.extract == {"archive": archive}
    assert findings.decode == {"format": "parquet", "shape": [8, 8, 3]}
    assert findings.split == {"test_fraction": 0.2, "validation_fraction": 0.1, "seed": 42}
    assert findings.images.classes == dict.fromkeys(CLASSES, 3)


def test_folders_for_the_subsets_too(tmp_path):
    findings = look(tmp_path, [*members("d/Train/", "d/val/", n=10), ("d/notes.txt", b"x")])
    assert findings.extract == {"archive": "a.zip", "members": "*.png"}
    assert findings.classes == list(CLASSES)
    expected = {"test_fraction": 0.2, "seed": 42, "stratify": True, "folders": True}
    assert findings.split == expected
    assert findings.images.classes == dict.fromkeys(CLASSES, 20)
    assert set(findings.images.kept) == set(CLASSES)


def test_a_table_of_labels(tmp_path):
    builders.labels_csv(tmp_path / "t.csv", [(f"{n}.png", "ab"[n % 2]) for n in range(20)], "xy")
    findings = look(tmp_path, [(f"i/{n}.png", image(n)) for n in range(20)], "t.csv")
    assert findings.extract == {"archive": "a.zip", "labels": "t.csv"}
    assert findings.classes == ["a", "b"]
    assert findings.decode["labels"] == {"id": "x", "label": "y", "match": "name"}


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ([("a.txt", b"")], "a.zip: holds no images (.png, .jpg, .jpeg, .bmp, .tif"),
        ([("1.png", image())], "1 images are in no folder of a class (1.png); give each class a"),
        ([("1.png", image()), ("l.csv", b"")], "--labels CSV (l.csv is in it: take it out)"),
        ([("cat/x/1.png", image()), ("2.png", image())], "1 images are in no folder of a class"),
        ([("cat/1.png", b"x"), ("dog/1.png", b"x")], "no image can be used: cannot be decoded: 2"),
        (
            [("cat/dog/1.png", image(1)), ("dog/cat/1.png", image(2))],
            "in two folders of which either could be meant, as dog within cat",
        ),
        (
            [
                (f"{a}/{b}/{n}.png", image(n))
                for a in ("train", "val")
                for b in ("valid", "x")
                for n in (1, 2)
            ],
            "as valid within train (train/valid/1.png",
        ),
        ([("../1.png", image())], "member '../1.png' is refused"),
    ],
)
def test_archives_that_lack_something(tmp_path, contents, message):
    with pytest.raises(DataError) as caught:
        look(tmp_path, contents)
    assert message in str(caught.value)


def test_patterns_match_images_alone():
    assert members_pattern(["1.PNG"], ["2.png", "a.csv"]) == "*.PNG"
    with pytest.raises(DataError, match=r"no simple pattern tells the images from a\.jpeg\.zig"):
        members_pattern(["1.jpg", "2.png"], ["a.jpeg.zig", "a.pg"])
