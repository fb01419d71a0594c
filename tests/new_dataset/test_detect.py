import gzip

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.images import idx
from pipeline.new_dataset import detect
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


def look(tmp_path, contents, labels=None, archive="a.zip"):
    builders.write_archive(tmp_path / archive, contents)
    return detect.discover(tmp_path, [archive], labels)


@pytest.mark.parametrize("archive", ["a.7z", "a.zip", "a.tar.gz"])
def test_a_folder_for_each_class(tmp_path, archive):
    found = look(tmp_path, [*members("pets/"), ("__MACOSX/pets/cat/._0.png", b"x")], None, archive)
    assert (found.kind, found.classes) == ("archive", list(CLASSES))
    assert found.extract == {"archive": archive}
    assert found.decode == {"format": "parquet", "shape": [8, 8, 3]}
    assert found.split == {"test_fraction": 0.2, "validation_fraction": 0.1, "seed": 42}
    assert found.survey.classes == dict.fromkeys(CLASSES, 3)


def test_folders_for_the_subsets_too(tmp_path):
    found = look(tmp_path, [*members("d/Train/", "d/val/", n=10), ("d/notes.txt", b"x")])
    assert found.extract == {"archive": "a.zip", "members": "*.png"}
    assert found.classes == list(CLASSES)
    expected = {"test_fraction": 0.2, "seed": 42, "stratify": True, "folders": True}
    assert found.split == expected
    assert found.survey.classes == dict.fromkeys(CLASSES, 20)
    assert set(found.survey.kept) == set(CLASSES)


def test_a_table_of_labels(tmp_path):
    builders.labels_csv(tmp_path / "t.csv", [(f"{n}.png", "ab"[n % 2]) for n in range(20)], "xy")
    found = look(tmp_path, [(f"i/{n}.png", image(n)) for n in range(20)], "t.csv")
    assert found.extract == {"archive": "a.zip", "labels": "t.csv"}
    assert found.classes == ["a", "b"]
    assert found.decode["labels"] == {"id": "x", "label": "y", "match": "name"}


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


def test_patterns():
    assert detect.members_pattern(["1.PNG"], ["2.png", "a.csv"]) == "*.PNG"
    with pytest.raises(DataError, match=r"no simple pattern tells the images from a\.jpeg\.zig"):
        detect.members_pattern(["1.jpg", "2.png"], ["a.jpeg.zig", "a.pg"])


def test_parquet(tmp_path):
    contents = [image(n) for n in range(3)]
    for name, labels in (
        ("train-00000-of-00002", [0, 1, 2]),
        ("train-00001-of-00002", [0, 1, 1]),
        ("data-validation", [1, 1, 1]),
        ("test", [-1, -1, -1]),
    ):
        builders.parquet_file(tmp_path / f"{name}.parquet", contents, labels, ("x", "a", "y"))
    names = sorted(path.name for path in tmp_path.iterdir())
    found = detect.discover(tmp_path, names, None)
    assert found.extract == {
        "validation": ["data-validation.parquet"],
        "train": ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"],
    }
    assert found.classes == ["x", "a", "y"]  # in the order of their numbers
    assert found.survey.classes == {"x": 2, "a": 6, "y": 1}
    assert found.split == {"test_fraction": 0.2, "seed": 42}
    assert found.notes == ["the files for test have no labels and are left out"]


def test_parquet_with_columns_of_other_names(tmp_path):
    table = builders.pa.table({"img": [image(), image(1)], "category": [10, 9]})
    builders.pq.write_table(table, tmp_path / "0000.parquet")
    found = detect.discover(tmp_path, ["0000.parquet"], None)
    assert found.extract == {"train": ["0000.parquet"], "image": "img", "label": "category"}
    assert found.classes == ["9", "10"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"text": ["a"], "label": [1]},
            "no column has images, a struct with bytes; its columns are",
        ),
        ({"image": [b"a"], "text": ["a"]}, "no column is called label or labels or class"),
    ],
)
def test_parquet_without_images_or_labels(tmp_path, columns, message):
    builders.pq.write_table(builders.pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        detect.discover(tmp_path, ["a.parquet"], None)


def test_idx(tmp_path):
    builders.idx_dataset(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    found = detect.discover(tmp_path, names, None)
    assert found.extract == builders.IDX_FILES
    assert found.classes == ["0", "1", "2"]
    assert found.split == {"validation_fraction": 0.1, "seed": 42, "stratify": True}
    assert found.survey.classes == {"0": 14, "1": 14, "2": 14}
    assert dict(found.survey.described())["sizes"] == "8x8 pixels (width, height)"


def test_an_idx_pair(tmp_path):
    idx.write(tmp_path / "images", builders.pixels([0, 1, 1], (5, 7)))
    (tmp_path / "y.gz").write_bytes(gzip.compress(idx.dumps(np.array([0, 1, 1], np.uint8))))
    found = detect.discover(tmp_path, ["y.gz", "images"], None)
    assert found.extract == {"train": {"images": "images", "labels": "y.gz"}}
    assert found.split["test_fraction"] == 0.2
    with pytest.raises(DataError, match="there is no file of images for train"):
        detect.discover(tmp_path, ["y.gz"], None)
    idx.write(tmp_path / "floats", np.zeros((3, 5, 7), np.float32))
    with pytest.raises(DataError, match="floats: images must be uint8, these are float32"):
        detect.discover(tmp_path, ["y.gz", "floats"], None)
    idx.write(tmp_path / "high", np.array([0, 1, 2**30], np.int32))
    with pytest.raises(DataError, match="a label is 1,073,741,824, of 3 images"):
        detect.discover(tmp_path, ["high", "images"], None)
    (tmp_path / "z").write_bytes(b"what is this?")
    with pytest.raises(DataError, match=r"z: is neither an archive .* nor Parquet, nor an IDX"):
        detect.discover(tmp_path, ["z"], None)
