"""Archives: classes by folders or by a table, subsets, and what an archive may lack."""

import pytest

from pipeline.core.errors import DataError
from pipeline.images.convert import ALL
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


def look(tmp_path, contents, *labels, archive="a.zip", **choices):
    builders.write_archive(tmp_path / archive, contents)
    return detect(tmp_path, [archive], Choices(labels=labels, **choices))


@pytest.mark.parametrize("archive", ["a.7z", "a.zip", "a.tar.gz"])
def test_a_folder_for_each_class(tmp_path, archive):
    findings = look(
        tmp_path, [*members("pets/"), ("__MACOSX/pets/cat/._0.png", b"x")], archive=archive
    )
    assert (findings.kind, findings.classes) == ("archive", list(CLASSES))
    assert findings.extract == {"archive": archive}
    assert findings.decode.pop("convert") == ALL.model_dump()
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


def test_classes_that_are_numbers_are_in_their_order(tmp_path):
    contents = [(f"{n}/{i}.png", image(10 * n + i)) for n in (10, 9, 1) for i in range(2)]
    assert look(tmp_path, contents).classes == ["1", "9", "10"]


def test_folders_of_subsets_beside_a_table(tmp_path):
    """Their names stand in no row, so that the images' ids must be their paths."""
    names = [f"{folder}/{n}.png" for folder, n in [("Train", 1), ("Train", 2), ("Test", 3)]]
    rows = [(str(n), "ab"[n % 2]) for n in (1, 2, 3)]
    builders.labels_csv(tmp_path / "t.csv", rows)
    extra = [("Test/unlabelled/4.png", image(4)), (".ipynb_checkpoints/5.png", image(5))]
    contents = [*((name, image(n)) for n, name in enumerate(names)), *extra]
    findings = look(tmp_path, contents, "t.csv")
    assert findings.split["folders"] is True
    assert "test_fraction" not in findings.split
    assert findings.decode["labels"] == {"ids": "path"}
    assert findings.extract["members"] == ["Test/3.png", "Train/*"]
    assert findings.images.classes == {"a": 1, "b": 2}
    assert "the 1 images in Test/unlabelled have no row in the table, and are left out" in (
        findings.notes
    )


def test_a_choice_between_readings(tmp_path):
    contents = [*members("x/", "y/", n=2), ("x/notes.txt", b"")]
    with pytest.raises(DataError, match=r"^a\.zip: folders stand within folders"):
        look(tmp_path, contents)
    findings = look(tmp_path, contents, classes_at=2, only=("x/*",))
    assert findings.classes == list(CLASSES)
    assert findings.extract["members"] == "x/*.png"
    findings = look(tmp_path, contents, classes_at=2, subsets=("x=train", "y=test"))
    assert findings.split["folders"] == {"x/*": "train", "y/*": "test"}
    with pytest.raises(DataError, match=r"none of its 12 images matches --only"):
        look(tmp_path, contents, only=("z/*",))


def test_a_table_of_labels(tmp_path):
    builders.labels_csv(tmp_path / "t.csv", [(f"{n}.png", "ab"[n % 2]) for n in range(20)], "xy")
    findings = look(tmp_path, [(f"i/{n}.png", image(n)) for n in range(20)], "t.csv")
    assert findings.extract == {"archive": "a.zip", "labels": "t.csv"}
    assert findings.classes == ["a", "b"]
    assert findings.decode["labels"] == {"id": "x", "label": "y", "match": "name"}


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ([("a.txt", b"")], "a.zip: holds no images (.png, .jpg, .jpeg"),
        ([("1.png", image())], "1 images are in no folder of a class (1.png); give each class a"),
        ([("1.png", image()), ("l.csv", b"")], "--labels CSV (l.csv is in it: --labels l.csv)"),
        ([("cat/x/1.png", image()), ("2.png", image())], "1 images are in no folder of a class"),
        ([("cat/1.png", b"x"), ("dog/1.png", b"x")], "no image can be used: cannot be decoded: 2"),
        (
            [("cat/dog/1.png", image(1)), ("dog/cat/1.png", image(2))],
            "a.zip: folders stand within folders, and those of two depths could be the classes",
        ),
        ([("../1.png", image())], "member '../1.png' is refused"),
    ],
)
def test_archives_that_lack_something(tmp_path, contents, message):
    with pytest.raises(DataError) as caught:
        look(tmp_path, contents)
    assert message in str(caught.value)


def test_every_file_is_counted(tmp_path):
    contents = [
        *members("", "old/", n=4),
        ("cat/a.txt", b"x"),
        ("b.md", b"x"),
        ("dog/empty.png", b""),
    ]
    wanted = [f"{name}/*" for name in CLASSES]
    findings = look(tmp_path, contents, only=wanted)
    facts = dict(findings.images.described())
    assert facts["images"] == f"{4 * len(CLASSES)} of {len(CLASSES)} classes"
    assert facts["passed over"] == "1 .txt, 1 .md"
    assert facts["cannot be used"] == "is empty: 1 (dog: 1)"
    assert any(
        note.startswith(f"{4 * len(CLASSES)} images are not taken: old/cat/0.png, old/cat/1.png")
        for note in findings.notes
    )


def test_a_class_does_not_vanish(tmp_path):
    raw = [(f"owl/{n}.cr2", b"II*\0") for n in range(3)]
    with pytest.raises(
        DataError, match=r"no file is an image that is read in owl \(3 \.cr2\), bes"
    ):
        look(tmp_path, [*members(""), *raw])
    broken = [(f"owl/{n}.png", b"<html>") for n in range(3)]
    with pytest.raises(
        DataError, match=r"no image can be used of class owl \(is a web page .*: 3\)"
    ):
        look(tmp_path, [*members(""), *broken])
    only_tested = [*members("train/", "test/"), ("test/owl/1.png", image(9))]
    with pytest.raises(DataError, match="owl has no image for training"):
        look(tmp_path, only_tested)
    untrained = [*members("train/", "test/", n=2), ("test/owl/1.png", image(9))]
    with pytest.raises(DataError, match=r"no image for training of class owl \(is empty: 1\)"):
        look(tmp_path, [*untrained, ("train/owl/1.png", b"")])


def test_images_of_two_subsets_are_told(tmp_path):
    contents = [*members("train/"), *[(f"test/{name}/9.png", image(9)) for name in CLASSES]]
    findings = look(tmp_path, [*contents, ("test/cat/0.png", image(0))])
    note = next(note for note in findings.notes if "in two subsets" in note)
    assert note.startswith("1 images are in two subsets, byte for byte, such as train/cat/0.png")


def test_folders_that_differ_in_case_alone_are_refused(tmp_path):
    files = [(f"{name}/{n}.png", image(n)) for n, name in enumerate(("cat", "dog", "Cat"))]
    builders.write_archive(tmp_path / "x.zip", files)
    with pytest.raises(DataError, match=r"^x\.zip: the folders 'Cat' and 'cat' differ in case or"):
        detect(tmp_path, ["x.zip"], Choices())
    assert detect(tmp_path, ["x.zip"], Choices(only=("*",))).classes == ["Cat", "cat", "dog"]


def test_masks_lists_of_subsets_and_copies_are_told(tmp_path):
    files = [(f"{name}/{n}.png", image(n // 2)) for n, name in enumerate(("a", "b", "b"))]
    builders.write_archive(tmp_path / "x.zip", [*files, ("meta/train.txt", b"a/0")])
    findings = detect(tmp_path, ["x.zip"], Choices())
    findings.warn()
    assert findings.notes[0].startswith("meta/train.txt: may say which image is for which subset")
    assert "1 images are copies of others, byte for byte, such as a/0.png and b/1.png" in str(
        findings.notes
    )
    builders.write_archive(tmp_path / "x.zip", [*files, ("b/1_mask.png", image(9))])
    with pytest.raises(DataError, match=r"^x\.zip: 1 images are by their names masks of others"):
        detect(tmp_path, ["x.zip"], Choices())
